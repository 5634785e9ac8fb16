package reading

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	first := check("c", assessment.True)
	first.Fingerprint = "f1"
	r.put(1, first)
	second := check("c", assessment.False)
	second.Fingerprint = "f2"
	r.put(1, second)
	r.put(1, opinion("a-o", "quality", "1"))
	r.pass(time.Second)
	require.NoError(t, r.store.Edit(t.Context(), traceID(1), func(e *store.Edit) error {
		record := e.Records["a-o"]
		record.History = append(record.History, store.Change{
			Time: e.Now, Author: "bob", Door: "api", Reason: "update", Old: record.Assessment,
		})
		record.Value, record.Author, record.Deleted = "2", "bob", e.Now
		record.Backends = map[string]store.Delivery{testBackend: {State: store.DeliveryDead, Reason: "refused", ID: "a-x"}}
		return e.Put(record)
	}))
	var got struct {
		TraceID     string `json:"trace_id"`
		Assessments []struct {
			Assessment mlflow.Assessment `json:"assessment"`
			Record     aboutRecord       `json:"record"`
			History    []struct {
				Time   time.Time          `json:"time"`
				Author string             `json:"author"`
				Door   string             `json:"door"`
				Reason string             `json:"reason"`
				Old    *mlflow.Assessment `json:"old"`
			} `json:"history"`
		} `json:"assessments"`
	}
	r.get("/feedback/v1/traces/tr-"+traceID(1)+"/history", &got)
	assert.Equal(t, "tr-"+traceID(1), got.TraceID)
	require.Len(t, got.Assessments, 2)

	c := got.Assessments[0]
	assert.JSONEq(t, "false", string(c.Assessment.Feedback.Value))
	assert.Equal(t, pending, c.Record.Delivery[testBackend].State)
	require.Len(t, c.History, 2)
	assert.Equal(t, reasonCreated, c.History[0].Reason)
	assert.Equal(t, testStart.Add(time.Second), c.History[0].Time)
	assert.Nil(t, c.History[0].Old)
	assert.Equal(t, "fingerprint", c.History[1].Reason)
	assert.Equal(t, "telemetry", c.History[1].Door)
	assert.JSONEq(t, "true", string(c.History[1].Old.Feedback.Value))
	assert.Equal(t, "tr-"+traceID(1), c.History[1].Old.TraceID)

	o := got.Assessments[1]
	assert.Equal(t, delivery{State: "dead", Reason: "refused", ID: "a-x"}, o.Record.Delivery[testBackend])
	assert.Equal(t, "bob", o.Record.Author)
	assert.Equal(t, testStart.Add(4*time.Second), o.Record.Deleted)
	require.Len(t, o.History, 2)
	assert.Equal(t, "eve@company.com", o.History[0].Author)
	assert.Equal(t, "bob", o.History[1].Author)
	assert.Equal(t, []string{traceID(1) + " false"}, r.checked)
}
