// Package feedbackprocessor evaluates GenAI spans on their way through the collector: checks at once, on the span
// itself, and judges in the background, whose verdicts leave as log records. It forwards every batch in the call that
// brought it and never waits for a judge.
package feedbackprocessor

//go:generate mdatagen metadata.yaml
