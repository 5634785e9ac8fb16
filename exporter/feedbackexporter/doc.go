// Package feedbackexporter takes assessments of GenAI spans out of traces and logs, whoever made them, and stores them
// in Redis. Where a tracking backend is configured, it also runs the loop that brings Redis and the backend to
// agreement, so that any number of collectors share that work.
package feedbackexporter

//go:generate mdatagen metadata.yaml
