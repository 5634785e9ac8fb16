package judge

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// fingerprint is 32 hex digits over all that shapes a judge's results: both messages, which include the output
// schema, how much of the interaction or trace they hold, and the model with its parameters. What only decides where, how often
// and for how much money is asked (endpoint, sampling, price, secrets) is not part of it.
func fingerprint(cfg *Config, prompt *prompt, output *outputForm, model *ModelConfig, modelName string) (string, error) {
	parameters, err := json.Marshal(model.Parameters)
	if err != nil {
		return "", err
	}
	fields := []string{
		systemMessage(output.schema), prompt.text, reminder, strconv.FormatInt(int64(cfg.MaxInput), 10),
		model.Provider, modelName, string(parameters), strconv.FormatInt(model.MaxOutputTokens, 10),
	}
	if cfg.Scope == assessment.ScopeTrace {
		fields = append(fields, string(cfg.Scope))
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
