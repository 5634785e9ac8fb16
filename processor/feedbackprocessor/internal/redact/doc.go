// Package redact takes personal data and secrets out of what a judge will see, before it is queued: what is found, by
// the finders that checks use too or by patterns of the user's own, gives way to a replacement.
package redact
