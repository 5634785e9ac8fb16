// Package otlp reads recorded spans, gives them new identities and sends telemetry over OTLP, as an app would.
package otlp
