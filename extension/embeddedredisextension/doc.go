// Package embeddedredisextension serves a Redis in the collector's own process, so that the feedback exporter can be
// tried without installing one. It keeps nothing over a restart and is not for production.
package embeddedredisextension

//go:generate mdatagen metadata.yaml
