// Package review puts traces that need a person's eyes into MLflow's review queues, by rules on their assessments. A trace
// is put there once a rule, after what the rule is about has been delivered, and stays read from MLflow for as long as it
// stands there.
package review
