// Package store keeps assessments in Redis, one hash a trace, and the queue of traces whose assessments a tracking
// backend has not seen yet. Every change of a trace is one atomic script, so any number of replicas may write and
// deliver at once, and a repeated write changes nothing.
package store
