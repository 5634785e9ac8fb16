package deliver

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// testClock stands still until it is moved; whoever waits is woken when the time is reached.
type testClock struct {
	mu      sync.Mutex
	now     time.Time
	waiting []waiter
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

func newTestClock() *testClock { return &testClock{now: time.Now().UTC()} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.waiting = append(c.waiting, waiter{c.now.Add(d), ch})
	return ch
}

func (c *testClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	var left []waiter
	for _, w := range c.waiting {
		if w.at.After(c.now) {
			left = append(left, w)
		} else {
			w.ch <- c.now
		}
	}
	c.waiting = left
}

// tally is the Observer of tests.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
	mass   int
}

func (o *tally) Delivered(_, outcome string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.counts == nil {
		o.counts = map[string]int{}
	}
	o.counts[outcome] += n
}

func (o *tally) MassMissing(_ string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mass += n
}

func (o *tally) of(outcome string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[outcome]
}

func (o *tally) all() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.counts)
}

// rig is a loop between a store in memory and an MLflow over HTTP.
type rig struct {
	t      *testing.T
	clock  *testClock
	store  *fakeStore
	mlflow *fakeMLflow
	tally  *tally
	logs   *observer.ObservedLogs
	loop   *Loop
}

func newRig(t *testing.T, change func(s *Settings, c *MLflowConfig)) *rig {
	t.Helper()
	r := &rig{t: t, clock: newTestClock(), mlflow: newFakeMLflow(t), tally: &tally{}}
	r.store = newFakeStore(r.clock)
	r.loop = r.replica(change)
	return r
}

func (r *rig) replica(change func(s *Settings, c *MLflowConfig)) *Loop {
	r.t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	r.logs = logs
	config := NewDefaultMLflowConfig()
	config.HTTP.Endpoint = r.mlflow.URL
	settings := Settings{
		Name: testBackend, Queue: r.store, Gate: r.store, Observer: r.tally, Logger: zap.New(core), Clock: r.clock,
	}
	if change != nil {
		change(&settings, &config)
	}
	backend, err := NewMLflow(r.t.Context(), &config, nil, componenttest.NewNopTelemetrySettings())
	require.NoError(r.t, err)
	r.t.Cleanup(backend.Close)
	settings.Backend = backend
	loop, err := New(settings)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { require.NoError(r.t, loop.Shutdown(context.Background())) })
	return loop
}

// until moves the clock on until the condition holds.
func (r *rig) until(condition func() bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		r.clock.move(50 * time.Millisecond)
		return condition()
	}, 20*time.Second, time.Millisecond)
}

func TestLoopDeliversUpdatesAndDeletes(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	record := testRecord("check", `{"score":1,"list":[true,"x"]}`)
	record.Rationale, record.SpanID = "because", "0102030405060708"
	record.Metadata, record.Fingerprint = map[string]string{"k": "v"}, "f1"
	record.Error = &assessment.Error{Code: "E", Message: "m"}
	r.store.put(record)
	r.loop.Start()
	r.until(r.store.idle)
	row := r.mlflow.row(testTrace, record.ID)
	require.NotNil(t, row)
	assert.Equal(t, "check", row["assessment_name"])
	assert.Equal(t, "because", row["rationale"])
	assert.Equal(t, "0102030405060708", row["span_id"])
	assert.Equal(t, map[string]any{"k": "v", "fingerprint": "f1"}, row["metadata"])
	assert.Equal(t, map[string]any{
		"value": map[string]any{"score": 1.0, "list": []any{true, "x"}},
		"error": map[string]any{"error_code": "E", "error_message": "m"},
	}, row["feedback"])
	assert.Equal(t, store.DeliveryDelivered, r.store.record(record.ID).Backends[testBackend].State)

	record.Value, record.Fingerprint, record.Metadata = assessment.False, "f2", nil
	r.store.put(record)
	r.until(r.store.idle)
	row = r.mlflow.row(testTrace, record.ID)
	assert.Equal(t, false, row["feedback"].(map[string]any)["value"])
	assert.Equal(t, map[string]any{"k": "v", "fingerprint": "f2"}, row["metadata"])
	assert.Equal(t, 1, r.mlflow.count("PATCH"))

	record.Deleted = r.clock.Now()
	r.store.put(record)
	r.until(r.store.idle)
	assert.Nil(t, r.mlflow.row(testTrace, record.ID))
	assert.Equal(t, map[string]int{OutcomeDelivered: 3}, r.tally.all())
	assert.Zero(t, r.logs.Len())
}

func TestLoopAwaitsTheTrace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	record := testRecord("check", assessment.True)
	r.store.put(record)
	r.loop.Start()
	r.until(func() bool { return r.tally.of(OutcomeRetried) > 0 })
	r.mlflow.arrive(testTrace, 0)
	r.until(r.store.idle)
	assert.NotNil(t, r.mlflow.row(testTrace, record.ID))
	assert.Equal(t, 1, r.tally.of(OutcomeDelivered))
}

func TestPatience(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 5*time.Second, patience(0))
	assert.Equal(t, 10*time.Second, patience(1))
	assert.Equal(t, 40*time.Second, patience(3))
	assert.Equal(t, time.Hour, patience(10))
	assert.Equal(t, time.Hour, patience(1<<30))
}

// TestAwaitTrustsNoReplicasClock: how long a trace has waited is the store's to say.
func TestAwaitTrustsNoReplicasClock(t *testing.T) {
	t.Parallel()
	for name, since := range map[string]time.Time{
		"a clock far ahead": time.Now().AddDate(-10, 0, 0), "a clock far behind": time.Now().AddDate(10, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerdict(&comparison{counts: map[string]int{}})
			v.await(store.Claim{Since: since, Waited: time.Minute}, time.Hour, 1, reasonNeverArrived)
			assert.Equal(t, store.Settlement{RetryAfter: firstWait}, v.settlement)
			v.await(store.Claim{Since: since, Waited: time.Hour}, time.Hour, 1, reasonNeverArrived)
			assert.Equal(t, reasonNeverArrived, v.settlement.Dead)
		})
	}
}

func TestLoopGivesUpTracesThatNeverArrive(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings, _ *MLflowConfig) { s.TraceWait = 10 * time.Second })
	r.store.put(testRecord("check", assessment.True))
	r.loop.Start()
	r.until(r.store.idle)
	assert.Equal(t, reasonNeverArrived, r.store.trace().dead)
	assert.Equal(t, 1, r.tally.of(OutcomeDead))
}

func TestLoopDoesNotAwaitADeletedTrace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	first := testRecord("first", assessment.True)
	r.store.put(delivered(t, first))
	r.store.traces[testTrace].records[first.ID] = delivered(t, first)
	r.store.put(testRecord("second", assessment.True))
	r.loop.Start()
	r.until(r.store.idle)
	assert.Equal(t, reasonTraceDeleted, r.store.trace().dead)
	assert.Equal(t, map[string]int{OutcomeWithdrawn: 1, OutcomeDead: 1, OutcomeRetried: 1}, r.tally.all())
	assert.Equal(t, store.DeliveryWithdrawn, r.store.record(first.ID).Backends[testBackend].State)
}

func TestLoopPausesWithoutCountingATry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		after  string
		pause  time.Duration // at least
	}{
		{name: "down", status: http.StatusServiceUnavailable},
		{name: "too many, with a wait", status: http.StatusTooManyRequests, after: "7", pause: 7 * time.Second},
		{name: "broken", status: http.StatusInternalServerError},
		{name: "credentials", status: http.StatusUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.mlflow.arrive(testTrace, time.Second)
			broken := true
			r.mlflow.answer = func(w http.ResponseWriter, _ *http.Request) bool {
				if broken {
					w.Header().Set("Retry-After", tt.after)
					w.WriteHeader(tt.status)
				}
				return broken
			}
			r.store.put(testRecord("check", assessment.True))
			r.loop.Start()
			r.until(func() bool {
				r.store.mu.Lock()
				defer r.store.mu.Unlock()
				return len(r.store.pauses) >= 2
			})
			r.mlflow.mu.Lock()
			broken = false
			r.mlflow.mu.Unlock()
			r.until(r.store.idle)
			assert.Equal(t, map[string]int{OutcomeDelivered: 1}, r.tally.all())
			assert.Zero(t, r.store.trace().attempts)
			assert.GreaterOrEqual(t, r.store.pauses[0], tt.pause)
			assert.Equal(t, 2, r.logs.Len(), "one line a change of state")
		})
	}
}

func TestLoopStumblingOverOneTrace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	poison := testRecord("poison", assessment.True)
	r.mlflow.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		if last := r.mlflow.bodies[len(r.mlflow.bodies)-1]; strings.Contains(last, `"poison"`) {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	good := testRecord("good", assessment.True)
	r.store.put(poison, good)
	r.loop.Start()
	r.until(func() bool { return r.tally.of(OutcomeRetried) > 0 })
	assert.NotNil(t, r.mlflow.row(testTrace, good.ID), "what stands beside it arrives")
	assert.Empty(t, r.store.pauses, "the backend is not paused for one bad request")
}

func TestLoopSettlesLostAnswersByReading(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	record := testRecord("check", assessment.True)
	r.mlflow.answer = func(_ http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/assessments") {
			row := map[string]any{
				"assessment_id": record.ID, "assessment_name": "check", "feedback": map[string]any{"value": true},
				"source":      map[string]any{"source_type": "CODE", "source_id": "checker_v1"},
				"create_time": "2026-03-01T12:00:00.000Z", "last_update_time": "2026-03-01T12:00:00.000Z",
			}
			r.mlflow.put(mlflow.TraceID(testTrace), record.ID, row)
			panic(http.ErrAbortHandler)
		}
		return false
	}
	r.store.put(record)
	r.loop.Start()
	r.until(r.store.idle)
	assert.Equal(t, map[string]int{OutcomeDelivered: 1}, r.tally.all(), "no create was ever answered")
}

func TestLoopDerivesASecondID(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	record := testRecord("check", assessment.True)
	r.mlflow.owner[record.ID] = "tr-other"
	r.store.put(record)
	r.loop.Start()
	r.until(r.store.idle)
	second := SecondID(record)
	assert.NotNil(t, r.mlflow.row(testTrace, second))
	assert.Equal(t, second, r.store.record(record.ID).Backends[testBackend].ID)

	record.Value = assessment.False
	r.store.put(record)
	r.until(r.store.idle)
	assert.Equal(t, false, r.mlflow.row(testTrace, second)["feedback"].(map[string]any)["value"])

	taken := testRecord("taken", assessment.True)
	r.mlflow.mu.Lock()
	r.mlflow.owner[taken.ID], r.mlflow.owner[SecondID(taken)] = "tr-other", "tr-other"
	r.mlflow.mu.Unlock()
	r.store.put(taken)
	r.until(r.store.idle)
	assert.Equal(t, reasonIDTaken, r.store.record(taken.ID).Backends[testBackend].Reason)
	assert.Equal(t, reasonIDTaken, r.store.trace().dead)
}

func TestLoopGivesUpWhatIsRefusedAndWhatCannotBeHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	r.mlflow.answer = func(w http.ResponseWriter, req *http.Request) bool {
		last := r.mlflow.bodies[len(r.mlflow.bodies)-1]
		switch {
		case strings.Contains(last, `"refused"`) && req.Method == http.MethodPost:
			r.mlflow.fail(w, http.StatusBadRequest, "INVALID_PARAMETER_VALUE", "no")
			return true
		case req.Method == http.MethodPatch: // answers, and keeps what it had
			for _, row := range r.mlflow.rows[mlflow.TraceID(testTrace)] {
				reply(w, map[string]any{"assessment": row})
			}
			return true
		}
		return false
	}
	refused := testRecord("refused", assessment.True)
	r.store.put(refused)
	r.loop.Start()
	r.until(r.store.idle)
	assert.Equal(t, "refused: INVALID_PARAMETER_VALUE", r.store.trace().dead)

	stubborn := testRecord("stubborn", assessment.True)
	r.store.put(stubborn)
	r.until(r.store.idle)
	stubborn.Value = assessment.False
	r.store.put(stubborn)
	r.until(r.store.idle)
	assert.Equal(t, reasonCannotHold, r.store.record(stubborn.ID).Backends[testBackend].Reason)
	assert.Equal(t, maxWrites, r.mlflow.count("PATCH"))
}

func TestLoopGivesUpWhereItMayNotWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings, _ *MLflowConfig) { s.TraceWait = 20 * time.Second })
	r.mlflow.arrive(testTrace, time.Second)
	r.mlflow.answer = func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/assessments") {
			http.Error(w, "Permission denied", http.StatusForbidden)
			return true
		}
		return false
	}
	r.store.put(testRecord("check", assessment.True))
	r.loop.Start()
	r.until(r.store.idle)
	assert.Equal(t, reasonNotTaken, r.store.trace().dead)
	assert.Positive(t, r.tally.of(OutcomeRetried))
	assert.Equal(t, 1, r.tally.of(OutcomeDead))
}

func TestLoopTakesOverWhatItHadGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	record := delivered(t, testRecord("check", assessment.True))
	delivery := record.Backends[testBackend]
	delivery.State, delivery.Reason = store.DeliveryDead, reasonCannotHold
	record.Backends = map[string]store.Delivery{testBackend: delivery}
	r.store.put(record)
	r.store.traces[testTrace].records[record.ID] = record
	r.mlflow.edit(testTrace, record.ID, func(map[string]any) map[string]any {
		return map[string]any{
			"assessment_id": record.ID, "assessment_name": "check", "feedback": map[string]any{"value": "a person's"},
			"source": map[string]any{"source_type": string(record.Source.Type), "source_id": record.Source.ID},
		}
	})
	r.loop.Start()
	r.until(r.store.idle)
	assert.Equal(t, assessment.Value(`"a person's"`), r.store.record(record.ID).Value)
	assert.Empty(t, r.store.trace().dead, "nothing is given up any more")
}

func TestLoopDoesNotOverwriteAnEditInBetween(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	record := testRecord("check", assessment.True)
	r.store.put(record)
	r.loop.Start()
	r.until(r.store.idle)
	edited := false
	r.mlflow.answer = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet && !edited { // right before our update
			edited = true
			row := r.mlflow.rows[mlflow.TraceID(testTrace)][record.ID]
			row["feedback"] = map[string]any{"value": "a person's"}
			row["last_update_time"] = "2040-01-01T00:00:00.000Z"
		}
		return false
	}
	record.Value = assessment.False
	r.store.put(record)
	r.until(r.store.idle)
	assert.Equal(t, "a person's", r.mlflow.row(testTrace, record.ID)["feedback"].(map[string]any)["value"])
	assert.Equal(t, assessment.Value(`"a person's"`), r.store.record(record.ID).Value)
	assert.Zero(t, r.mlflow.count("PATCH"))
}

func TestLoopTakesOverAndWithdraws(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	edited, deleted := testRecord("edited", assessment.True), testRecord("deleted", assessment.True)
	r.store.put(edited, deleted)
	r.loop.Start()
	r.until(r.store.idle)
	r.mlflow.edit(testTrace, edited.ID, func(row map[string]any) map[string]any {
		row["feedback"] = map[string]any{"value": 5.0}
		return row
	})
	r.mlflow.edit(testTrace, deleted.ID, func(map[string]any) map[string]any { return nil })
	r.mlflow.edit(testTrace, "a-theirs", func(map[string]any) map[string]any {
		return map[string]any{
			"assessment_id": "a-theirs", "assessment_name": "tone", "feedback": map[string]any{"value": "warm"},
			"source": map[string]any{"source_type": "HUMAN", "source_id": "eve"},
		}
	})
	r.store.touch(testTrace)
	r.until(r.store.idle)
	assert.Equal(t, assessment.Value("5"), r.store.record(edited.ID).Value)
	assert.Equal(t, store.DeliveryWithdrawn, r.store.record(deleted.ID).Backends[testBackend].State)
	assert.Equal(t, "eve", r.store.record("a-theirs").Author)
	assert.Equal(t, map[string]int{
		OutcomeDelivered: 2, OutcomeTakenOver: 2, OutcomeWithdrawn: 1, OutcomeRetried: 1,
	}, r.tally.all(), "a missing row is believed at the second look")
}

// A row that cannot be read is there all the same: its record is neither withdrawn nor written again.
func TestLoopLeavesUnreadableRowsAlone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		field string
		value any
	}{
		{name: "metadata is no object", field: "metadata", value: []any{1}},
		{name: "no kind of its own", field: "feedback", value: nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.mlflow.arrive(testTrace, time.Second)
			record := testRecord("check", assessment.True)
			r.store.put(record)
			r.loop.Start()
			r.until(r.store.idle)
			r.mlflow.edit(testTrace, record.ID, func(row map[string]any) map[string]any {
				row[test.field] = test.value
				return row
			})
			r.store.touch(testTrace)
			r.until(r.store.idle)
			assert.Equal(t, store.DeliveryDelivered, r.store.record(record.ID).Backends[testBackend].State)
			assert.Equal(t, map[string]int{OutcomeDelivered: 1}, r.tally.all())
		})
	}
}

func TestLoopDoesNotBelieveAnEmptiedBackend(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.mlflow.arrive(testTrace, time.Second)
	for i := range massMissing + 1 {
		record := testRecord("check"+string(rune('a'+i)), assessment.True)
		r.store.put(record)
		r.store.traces[testTrace].records[record.ID] = delivered(t, record)
	}
	r.loop.Start()
	r.until(func() bool { return r.tally.of(OutcomeRetried) > 0 })
	r.tally.mu.Lock()
	assert.GreaterOrEqual(t, r.tally.mass, massMissing+1)
	r.tally.mu.Unlock()
	assert.Zero(t, r.tally.of(OutcomeWithdrawn))
	assert.Equal(t, 1, r.logs.FilterLevelExact(zap.ErrorLevel).Len())
}

func TestLoopReplicasShareTheWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	second := r.replica(nil)
	var ids []string
	for i := range 120 {
		trace := "0102030405060708090a0b0c0d0e" + string("0123456789abcdef"[i/16%16]) + "0" + "0" + string("0123456789abcdef"[i%16])
		r.mlflow.arrive(trace, time.Second)
		record := testRecord("check", assessment.True)
		record.TraceID = trace
		record.ID = assessment.NewID(trace, "", record.Name, record.Source)
		ids = append(ids, record.ID)
		r.store.put(record)
	}
	r.loop.Start()
	second.Start()
	r.until(r.store.idle)
	assert.Equal(t, len(ids), r.tally.of(OutcomeDelivered))
	assert.Equal(t, len(ids), r.mlflow.count("POST /api/3.0/mlflow/traces/tr-"))
}

// lossyGate is a gate whose store loses what is given back.
type lossyGate struct{ *store.Store }

func (lossyGate) Release(context.Context, string, string, int, bool) error { return errors.New("lost") }

func TestPermitsThatWereNotReturnedEnd(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	now := time.Now()
	server.SetTime(now)
	s := openStore(t, server.Addr())
	settings := Settings{
		Name: testBackend, Gate: lossyGate{s}, Replica: "r", MaxInFlight: 3, Lease: time.Minute, Clock: newTestClock(),
		Logger: zap.NewNop(),
	}
	a := newAdmission(&settings)
	enter := func() (permit, error) { return a.enter(t.Context(), settings.Clock.Now()) }
	for range 2 {
		p, err := enter()
		require.NoError(t, err)
		a.leave(t.Context(), p, nil)
	}
	now = now.Add(45 * time.Second)
	server.SetTime(now)
	last, err := enter()
	require.NoError(t, err)
	_, err = enter()
	require.ErrorIs(t, err, errNotAdmitted)
	server.SetTime(now.Add(30 * time.Second)) // what was lost first has ended, the last one has not
	for range 2 {
		p, err := enter()
		require.NoError(t, err)
		assert.NotEqual(t, last.token, p.token)
	}
	_, err = enter()
	require.ErrorIs(t, err, errNotAdmitted)
}

func TestLoopShutdown(t *testing.T) {
	t.Parallel()
	t.Run("without start, twice", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		require.NoError(t, r.loop.Shutdown(t.Context()))
		require.NoError(t, r.loop.Shutdown(t.Context()))
	})
	t.Run("a call that hangs is abandoned with the context", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		r.mlflow.arrive(testTrace, time.Second)
		called := make(chan struct{})
		r.store.put(testRecord("check", assessment.True))
		r.loop.settings.Backend = &hangingBackend{Backend: r.loop.settings.Backend, called: called}
		r.loop.Start()
		r.until(func() bool {
			select {
			case <-called:
				return true
			default:
				return false
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, r.loop.Shutdown(ctx))
		assert.Empty(t, r.tally.all())
	})
	t.Run("the store is down", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, nil)
		r.store.err = errors.New("down")
		r.loop.Start()
		require.NoError(t, r.loop.Shutdown(t.Context()))
	})
}

// hangingBackend never answers a write.
type hangingBackend struct {
	Backend
	called chan struct{}
}

func (b *hangingBackend) Write(ctx context.Context, _ string, _ Trace, _ []Write) ([]Result, error) {
	close(b.called)
	<-ctx.Done()
	return nil, &UnavailableError{Err: ctx.Err()}
}
