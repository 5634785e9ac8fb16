package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestBase(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"", "0:a:b", "2:a:b", "2:a:b:", "2:a:b:x", "2::", "1:a", "2:1"} {
		_, ok := parseBase(form)
		assert.False(t, ok, form)
	}
	for _, b := range []base{{ours: "a", theirs: "b"}, {ours: "!a", theirs: "b", at: testTime}, {at: testTime}} {
		parsed, ok := parseBase(b.String())
		require.True(t, ok)
		assert.Equal(t, b, parsed)
	}
	now := testTime
	assert.Equal(t, now, agreement("a", "b", now.Add(time.Hour), now).at, "what lies ahead counts from now")
	assert.Equal(t, now.Add(-time.Hour), agreement("a", "b", now.Add(-time.Hour), now).at)
}

// TestCompareOlderRows is about a backend where a backup was put in the place of what was agreed on.
func TestCompareOlderRows(t *testing.T) {
	t.Parallel()
	later := testTime.Add(time.Hour)
	old := testRecord("check", assessment.Int(1))
	oldRow := rowOf(t, old)
	changed := old
	changed.Value, changed.UpdateTime = assessment.Int(2), later
	agreed := func(state store.DeliveryState) store.Record {
		form := digest(rowOf(t, changed))
		r := changed
		r.Backends = map[string]store.Delivery{
			testBackend: {State: state, Form: agreement(form, form, later, later).String()},
		}
		return r
	}
	work := oldRow
	work.Value, work.UpdateTime = "7.0", later.Add(time.Minute)

	tests := []struct {
		name   string
		record store.Record
		row    assessment.Assessment
		ops    []Op
		taken  bool
	}{
		{name: "delivered and older there", record: agreed(store.DeliveryDelivered), row: oldRow, ops: []Op{OpUpdate}},
		{name: "restored and older there", record: agreed(store.DeliveryPending), row: oldRow, ops: []Op{OpUpdate}},
		{name: "a person's and older there", record: human(agreed(store.DeliveryDelivered), later), row: oldRow, ops: []Op{OpUpdate}},
		{name: "theirs and older there", record: agreed(store.DeliveryTheirs), row: oldRow},
		{name: "a person worked there afterwards", record: agreed(store.DeliveryDelivered), row: work, taken: true},
		{name: "restored, a person worked there", record: agreed(store.DeliveryPending), row: work, taken: true},
		{name: "theirs, a person worked there", record: agreed(store.DeliveryTheirs), row: work, taken: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := compare(testBackend, nil, later, map[string]store.Record{tt.record.ID: tt.record},
				[]assessment.Assessment{tt.row})
			var ops []Op
			for _, w := range got.writes {
				ops = append(ops, w.Op)
			}
			assert.Equal(t, tt.ops, ops)
			_, taken := got.taken[tt.record.ID]
			assert.Equal(t, tt.taken, taken)
		})
	}
}

func TestCompareMakesAgainWithoutARule(t *testing.T) {
	t.Parallel()
	rules := forward{{Names: []string{"other"}}}
	record := withState(delivered(t, testRecord("check", assessment.True)), func(d *store.Delivery) {
		d.State = store.DeliveryPending
	})
	got := compare(testBackend, rules, testTime, map[string]store.Record{record.ID: record}, nil)
	require.Len(t, got.writes, 1)
	assert.Equal(t, OpCreate, got.writes[0].Op)
}

// backup is the rows of a fakeMLflow at a time; restore puts them back.
type backup map[string]map[string]map[string]any

func (f *fakeMLflow) backup(t *testing.T) backup {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	text, err := json.Marshal(f.rows)
	require.NoError(t, err)
	var copied backup
	require.NoError(t, json.Unmarshal(text, &copied))
	return copied
}

func (f *fakeMLflow) restore(b backup) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows, f.owner = b, map[string]string{}
	for trace, rows := range b {
		for id := range rows {
			f.owner[id] = trace
		}
	}
}

// values are the values of all rows, by id.
func (f *fakeMLflow) values() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	values := map[string]string{}
	for _, rows := range f.rows {
		for id, row := range rows {
			feedback, _ := row["feedback"].(map[string]any)
			values[id] = fmt.Sprint(feedback["value"], " ", row["valid"], " ", row["overrides"])
		}
	}
	return values
}

// TestRestoredBackup puts an old backup in the place of a backend's rows: Redis loses nothing, the loop says so once,
// and after the command every row is there again, once.
func TestRestoredBackup(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	f := newFakeMLflow(t)
	s := openStore(t, server.Addr())
	core, logs := observer.New(zapcore.ErrorLevel)
	config := NewDefaultMLflowConfig()
	config.HTTP.Endpoint = f.URL
	backend, err := NewMLflow(t.Context(), &config, nil, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	t.Cleanup(backend.Close)
	loop, err := New(Settings{
		Name: testBackend, Queue: s, Gate: s, Backend: backend, Observer: &tally{}, Logger: zap.New(core),
		Refresher: s, RefreshRate: 20, RefreshWindow: time.Hour,
	})
	require.NoError(t, err)
	loop.Start()
	t.Cleanup(func() { require.NoError(t, loop.Shutdown(context.Background())) })

	const traces = 40
	ids := make([]string, traces)
	put := func(value assessment.Value, names ...string) {
		var batch []assessment.Assessment
		source := assessment.Source{Type: assessment.SourceTypeCode, ID: "checker_v1"}
		for i := range ids {
			ids[i] = fmt.Sprintf("%032x", i+1)
			for _, name := range names {
				batch = append(batch, assessment.Assessment{
					ID: assessment.NewID(ids[i], "", name, source), TraceID: ids[i], Name: name,
					Kind: assessment.KindFeedback, Source: source, Value: value, Fingerprint: string(value),
				})
			}
		}
		_, err := s.Put(t.Context(), batch)
		require.NoError(t, err)
	}
	settled := func() bool {
		stats, err := s.Stats(t.Context(), testBackend)
		return err == nil && stats.Backlog == 0
	}
	for i := range traces {
		f.arrive(fmt.Sprintf("%032x", i+1), time.Minute)
	}
	put("1", "before", "changed")
	require.Eventually(t, settled, 20*time.Second, 5*time.Millisecond)
	old := f.backup(t)

	// After the backup: new results, newer ones, a person's override, a person's row in the backend.
	put("2", "after", "changed")
	override := assessment.Assessment{
		ID: "a-override", TraceID: ids[0], Name: "before", Kind: assessment.KindFeedback, Value: "3",
		Source:    assessment.Source{Type: assessment.SourceTypeHuman, ID: "eve"},
		Overrides: assessment.NewID(ids[0], "", "before", assessment.Source{Type: assessment.SourceTypeCode, ID: "checker_v1"}),
	}
	_, err = s.Put(t.Context(), []assessment.Assessment{override})
	require.NoError(t, err)
	f.edit(ids[1], "a-theirs", func(map[string]any) map[string]any {
		return map[string]any{
			"assessment_id": "a-theirs", "assessment_name": "tone", "feedback": map[string]any{"value": "warm"},
			"source":      map[string]any{"source_type": "HUMAN", "source_id": "bob"},
			"create_time": f.now().UTC().Format("2006-01-02T15:04:05.000Z"), "valid": true,
		}
	})
	require.Eventually(t, func() bool {
		records, err := s.Load(t.Context(), ids[1])
		return err == nil && records["a-theirs"].Backends[testBackend].State == store.DeliveryTheirs && settled()
	}, 20*time.Second, 5*time.Millisecond)
	whole := f.values()
	require.Len(t, whole, 3*traces+2)
	before := contents(t, s, ids)

	f.restore(old)
	require.Eventually(t, func() bool { return logs.Len() > 0 }, 20*time.Second, 5*time.Millisecond)
	assert.Equal(t, before, contents(t, s, ids))

	restored, err := s.Restore(t.Context(), testBackend, store.Restore{Limit: 1000}, store.Place{})
	require.NoError(t, err)
	assert.Equal(t, traces, restored.Traces)
	assert.Equal(t, 3*traces+2, restored.Assessments)
	assert.False(t, restored.More)
	require.Eventually(t, func() bool { return maps.Equal(whole, f.values()) && settled() }, 30*time.Second, 5*time.Millisecond)
	assert.Equal(t, before, contents(t, s, ids))
	assert.Equal(t, 1, logs.Len(), "said once")
	for _, id := range ids {
		records, err := s.Load(t.Context(), id)
		require.NoError(t, err)
		for name := range records {
			assert.Equal(t, store.DeliveryDelivered, records[name].Backends[testBackend].State)
			assert.NotNil(t, f.row(id, name))
		}
	}
	require.NotNil(t, f.row(ids[0], "a-override"))
	assert.Equal(t, false, f.row(ids[0], override.Overrides)["valid"])
	assert.Equal(t, mlflow.TraceID(ids[1]), f.row(ids[1], "a-theirs")["trace_id"])

	// Once more changes nothing.
	requests := f.count("POST /api/3.0/mlflow/traces/tr-")
	_, err = s.Restore(t.Context(), testBackend, store.Restore{Limit: 1000}, store.Place{})
	require.NoError(t, err)
	require.Eventually(t, settled, 20*time.Second, 5*time.Millisecond)
	assert.Equal(t, whole, f.values())
	assert.Equal(t, requests, f.count("POST /api/3.0/mlflow/traces/tr-"))
}

// contents is all that Redis holds of the traces' records, without their delivery.
func contents(t *testing.T, s *store.Store, ids []string) map[string]store.Record {
	t.Helper()
	all := map[string]store.Record{}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		records, err := s.Load(t.Context(), id)
		require.NoError(t, err)
		for name, record := range records {
			record.Backends = nil
			all[id+" "+name] = record
		}
	}
	return all
}
