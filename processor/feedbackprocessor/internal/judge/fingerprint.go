package judge

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// newFingerprint is 32 hex digits over all that shapes a judge's results: both messages, which include the output
// schema, how much of the interaction or trace they hold, and the models with their parameters; of a panel also how
// votes become a value, and what is redacted before. What only decides where, how often and for how much money is asked (endpoint, sampling, price,
// secrets) is not part of it.
func (j *Judge) newFingerprint() (string, error) {
	fields := []string{systemMessage(j.output.schema), j.prompt.text, reminder, strconv.FormatInt(int64(j.cfg.MaxInput), 10)}
	for _, m := range j.members {
		cfg := m.model.cfg
		parameters, err := json.Marshal(cfg.Parameters)
		if err != nil {
			return "", err
		}
		fields = append(fields, cfg.Provider, m.model.name, string(parameters), strconv.FormatInt(cfg.MaxOutputTokens, 10))
	}
	if j.cfg.Scope == assessment.ScopeTrace {
		fields = append(fields, string(j.cfg.Scope))
	}
	if len(j.members) > 1 {
		fields = append(fields, "panel", aggregationVersion, strconv.Itoa(j.quorum))
	}
	if j.redaction != "" {
		fields = append(fields, "redacted", j.redaction)
	}
	hash := sha256.New()
	for _, field := range fields {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		hash.Write(length[:])
		hash.Write([]byte(field))
	}
	return hex.EncodeToString(hash.Sum(nil)[:16]), nil
}
