// Package intake takes feedback of those who know no trace id, such as an app's thumbs button: it finds the trace by
// what they do know, or holds the feedback until a span with it passes.
package intake
