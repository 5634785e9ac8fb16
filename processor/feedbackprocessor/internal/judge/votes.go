package judge

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// maxVoteValue bounds a value in the list of votes: the list stands in metadata beside the value itself.
const maxVoteValue = 1 << 10

// voteRecord is a vote in the metadata `votes`.
type voteRecord struct {
	Model string `json:"model"`
	// Value has no rationale: that of the result says why. It is left out where it is long.
	Value        assessment.Value `json:"value,omitempty"`
	LatencyMS    int64            `json:"latency_ms"`
	Cost         *float64         `json:"cost,omitempty"`
	InputTokens  int64            `json:"input_tokens"`
	OutputTokens int64            `json:"output_tokens"`
	// Error is the class of what went wrong.
	Error string `json:"error,omitempty"`
}

// votesJSON writes votes for the metadata.
func votesJSON(votes []vote, form *outputForm) string {
	records := make([]voteRecord, len(votes))
	for i := range votes {
		used := votes[i].used()
		record := voteRecord{
			Model: used.Model, LatencyMS: used.Duration.Milliseconds(),
			InputTokens: used.InputTokens, OutputTokens: used.OutputTokens, Error: votes[i].class(),
		}
		if votes[i].model.cfg.Price.Known() {
			cost := roundCost(used.Cost)
			record.Cost = &cost
		}
		if votes[i].valid() {
			if value := form.withoutRationale(votes[i].answer.value); len(value) <= maxVoteValue {
				record.Value = value
			}
		}
		records[i] = record
	}
	text, err := json.Marshal(records)
	if err != nil {
		return "[]" // values are JSON, so there is nothing that could fail
	}
	return string(text)
}

// quorumError says which members gave no valid vote, and why.
func quorumError(votes []vote, valid, quorum int) *assessment.Error {
	var missing []string
	for i := range votes {
		if class := votes[i].class(); class != "" {
			missing = append(missing, fmt.Sprintf("%q: %s", votes[i].model.key, class))
		}
	}
	return &assessment.Error{
		Code: assessment.ErrorCodeEvaluationFailed,
		Type: ErrorTypeQuorum,
		Message: fmt.Sprintf("%d of %d models gave a valid vote, and `quorum` is %d (%s)",
			valid, len(votes), quorum, strings.Join(missing, ", ")),
	}
}
