package deliver

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// fakeStore is a queue and a gate in memory, with the contract of internal/store.
type fakeStore struct {
	mu          sync.Mutex
	clock       Clock
	traces      map[string]*fakeTrace
	settlements []store.Settlement
	pauses      []time.Duration
	pausedUntil time.Time
	held        int
	err         error
	revisits    []time.Time
	missing     int
	doubted     bool
}

type fakeTrace struct {
	records  map[string]store.Record
	due      time.Time
	since    time.Time
	attempts int
	token    int
	leased   time.Time
	queued   bool
	dead     string
	revision int64
}

func newFakeStore(clock Clock) *fakeStore {
	return &fakeStore{clock: clock, traces: map[string]*fakeTrace{}}
}

// put writes records as another replica or the exporter does; the trace becomes due.
func (f *fakeStore) put(records ...store.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, record := range records {
		trace := f.traces[record.TraceID]
		if trace == nil {
			trace = &fakeTrace{records: map[string]store.Record{}}
			f.traces[record.TraceID] = trace
		}
		record.Version = 1
		record.Backends = maps.Clone(trace.records[record.ID].Backends)
		trace.records[record.ID] = record
		trace.revision++
		trace.queued, trace.dead = true, ""
		trace.due = f.clock.Now()
		trace.since, trace.attempts = trace.due, 0
	}
}

// touch makes a trace due without changing it.
func (f *fakeStore) touch(traceID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	trace := f.traces[traceID]
	trace.queued, trace.due, trace.since, trace.attempts = true, f.clock.Now(), f.clock.Now(), 0
}

func (f *fakeStore) record(id string) store.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	if trace := f.traces[testTrace]; trace != nil {
		return trace.records[id]
	}
	return store.Record{}
}

func (f *fakeStore) trace() fakeTrace {
	f.mu.Lock()
	defer f.mu.Unlock()
	return *f.traces[testTrace]
}

func (f *fakeStore) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, trace := range f.traces {
		if trace.queued {
			return false
		}
	}
	return true
}

func (f *fakeStore) Claim(_ context.Context, backend string, limit int, lease time.Duration) ([]store.Claim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	now := f.clock.Now()
	var claims []store.Claim
	for id, trace := range f.traces {
		if len(claims) == limit {
			break
		}
		if !trace.queued || trace.due.After(now) || trace.leased.After(now) {
			continue
		}
		trace.token++
		trace.leased = now.Add(lease)
		claims = append(claims, store.Claim{
			TraceID: id, Backend: backend, Token: string(rune('a' + trace.token)), Expires: trace.leased,
			Since: trace.since, Waited: now.Sub(trace.since), Attempts: trace.attempts,
			Revision: trace.revision, Records: maps.Clone(trace.records),
		})
	}
	return claims, nil
}

func (f *fakeStore) Settle(_ context.Context, claim store.Claim, s store.Settlement) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	trace := f.traces[claim.TraceID]
	if string(rune('a'+trace.token)) != claim.Token || trace.leased.IsZero() {
		return false, nil
	}
	f.settlements = append(f.settlements, s)
	trace.leased = time.Time{}
	for id, delivery := range s.Deliveries {
		record := trace.records[id]
		record.Backends = withDelivery(record.Backends, claim.Backend, delivery)
		trace.records[id] = record
	}
	same := trace.revision == claim.Revision
	if same {
		for _, record := range s.TakenOver {
			trace.records[record.ID] = record
			trace.revision++
		}
	}
	now := f.clock.Now()
	switch {
	case !same:
		trace.due, trace.since, trace.attempts = now, now, 0
	case s.Dead != "":
		trace.queued, trace.dead = false, s.Dead
	case s.Done:
		trace.queued = false
	default:
		trace.due, trace.attempts = now.Add(s.RetryAfter), trace.attempts+1
	}
	return true, nil
}

func (f *fakeStore) SettleAll(ctx context.Context, claims []store.Claim, settlements []store.Settlement) ([]bool, error) {
	held := make([]bool, len(claims))
	for i, claim := range claims {
		var err error
		if held[i], err = f.Settle(ctx, claim, settlements[i]); err != nil {
			return nil, err
		}
	}
	return held, nil
}

func (f *fakeStore) Admit(_ context.Context, _, _ string, n, maxInFlight int, _ time.Duration) (int, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if wait := f.pausedUntil.Sub(f.clock.Now()); wait > 0 {
		return 0, wait, nil
	}
	granted := min(n, maxInFlight-f.held)
	f.held += granted
	return granted, 10 * time.Millisecond, nil
}

func (f *fakeStore) Release(_ context.Context, _, _ string, n int, _ bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held -= n
	return nil
}

func (f *fakeStore) Pause(_ context.Context, _ string, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pauses = append(f.pauses, d)
	f.pausedUntil = f.clock.Now().Add(d)
	return nil
}

func (f *fakeStore) Doubt(_ context.Context, _ string, d store.Doubt) (doubted, tripped bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missing += d.Missing
	before := f.doubted
	f.doubted = f.doubted || f.missing > d.Most
	return f.doubted, f.doubted && !before, f.err
}

// Revisit makes all settled traces due; dead ones are left alone.
func (f *fakeStore) Revisit(_ context.Context, _ string, revisit store.Revisit) (int, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, 0, f.err
	}
	now := f.clock.Now()
	if len(f.revisits) > 0 {
		if left := f.revisits[len(f.revisits)-1].Add(revisit.Interval).Sub(now); left > 0 {
			return 0, left, nil
		}
	}
	f.revisits = append(f.revisits, now)
	n := 0
	for _, trace := range f.traces {
		if n < revisit.Limit && !trace.queued && trace.dead == "" {
			trace.queued, trace.due, trace.since, trace.attempts = true, now, now, 0
			n++
		}
	}
	return n, revisit.Interval, nil
}

// revisited is when traces were made due for a re-reading.
func (f *fakeStore) revisited() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.revisits)
}
