package deliver

// The reasons why a record or a trace is given up.
const (
	reasonCannotHold   = "backend_cannot_hold"
	reasonNeverArrived = "trace_never_arrived"
	reasonTraceDeleted = "trace_deleted"
	reasonMassMissing  = "missing_in_backend"
	reasonIDTaken      = "id_taken"
	reasonRefused      = "refused"
	reasonUnreadable   = "unreadable"
	reasonBackendError = "backend_error"
	reasonNotTaken     = "not_taken"
)

// The outcomes of a delivery; the values of the metric's attribute.
const (
	OutcomeDelivered = "delivered"
	OutcomeRetried   = "retried"
	OutcomeTakenOver = "taken_over"
	OutcomeWithdrawn = "withdrawn"
	OutcomeSkipped   = "skipped"
	OutcomeDead      = "dead"
)
