// Package assessment holds the one record that every source of feedback ends in, its deterministic id, and its
// codec to and from telemetry. It follows MLflow's terms for the record and the OpenTelemetry semantic conventions'
// `gen_ai.evaluation.result` event for its form on the wire. It imports nothing of this project.
package assessment
