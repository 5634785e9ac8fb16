// Package check runs the code checks: what a check or a part of a composite can test, one kind a file behind the
// interface kind, and how an outcome becomes a value, a verdict and a rationale. Checks run in the call that forwards
// a batch, so everything is compiled at start, a text is read once for all parts, and what passes allocates nothing.
package check
