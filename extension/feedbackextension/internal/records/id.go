package records

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// newID is an id in MLflow's form. A request that says when it was made gets one made of its content: MLflow's client
// repeats a request word for word when the answer is lost, and the repeat must not become a second assessment. Any other
// gets a random one, because a person may well say the same thing twice.
func newID(a *assessment.Assessment, caller access.Caller) string {
	if a.CreateTime.IsZero() || a.UpdateTime.IsZero() {
		return randomID()
	}
	e := assessment.Error{}
	if a.Error != nil {
		e = *a.Error
	}
	fields := []string{
		a.TraceID, caller.Name, a.SpanID, a.Name, string(a.Kind), string(a.Source.Type), a.Source.ID, string(a.Value),
		e.Code, e.Message, e.StackTrace, a.Rationale, a.Fingerprint, a.Overrides,
		strconv.FormatInt(a.CreateTime.UnixMilli(), 10), strconv.FormatInt(a.UpdateTime.UnixMilli(), 10),
	}
	for _, key := range slices.Sorted(maps.Keys(a.Metadata)) {
		fields = append(fields, key, a.Metadata[key])
	}
	var text []byte
	for _, field := range fields {
		text = binary.BigEndian.AppendUint32(text, uint32(len(field)))
		text = append(text, field...)
	}
	sum := sha256.Sum256(text)
	return "a-" + hex.EncodeToString(sum[:16])
}
