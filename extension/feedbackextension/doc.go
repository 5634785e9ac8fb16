// Package feedbackextension takes feedback from people and programs: it answers MLflow's REST API for assessments from
// Redis, passes everything else on to MLflow, and brings both to agreement.
package feedbackextension

//go:generate mdatagen metadata.yaml
