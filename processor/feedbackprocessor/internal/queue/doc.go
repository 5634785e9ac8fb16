// Package queue holds the judgements that wait for one judge, in memory or on disk. It embeds the collector's
// exporterhelper, which brings a bounded queue, workers and persistence, and keeps that helper's retries, logging and
// view of shutdown away from the judges, for whom they are wrong.
package queue
