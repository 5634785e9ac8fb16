package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestNothingIsQueuedWithoutBackends(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.Backends = nil })
			put(t, st, check(1, "c", assessment.True), opinion(2, "a-1", assessment.True))
			assert.Empty(t, s.client.Keys(t.Context(), "*:sync:*").Val())
			_, err := st.Claim(t.Context(), backendName, 1, time.Minute)
			require.ErrorContains(t, err, `backend "feedback" is not among the store's`)
			_, err = st.Stats(t.Context(), backendName)
			require.Error(t, err)
		})
	}
}

func TestClaimIsExclusive(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			first := check(1, "c", assessment.True)
			put(t, st, first)
			claims, err := st.Claim(t.Context(), backendName, 10, 200*time.Millisecond)
			require.NoError(t, err)
			require.Len(t, claims, 1)
			c := claims[0]
			assert.Equal(t, traceID(1), c.TraceID)
			assert.Equal(t, first, c.Records[first.ID].Assessment)
			assert.EqualValues(t, 1, c.Revision)
			assert.NotEmpty(t, c.Token)
			assert.WithinDuration(t, s.time(t), c.Since, time.Minute)

			// Neither another claim nor a write, of whomever, ends the lease.
			assert.Empty(t, claim(t, st, 10))
			put(t, st, check(1, "d", assessment.True))
			assert.Empty(t, claim(t, st, 10))
			put(t, st, opinion(1, "a-1", assessment.True))
			assert.Empty(t, claim(t, st, 10))

			s.pass(t, 250*time.Millisecond)
			again := claim(t, st, 10)
			require.Len(t, again, 1)
			assert.Len(t, again[0].Records, 3)
			assert.NotEqual(t, c.Token, again[0].Token)

			// The first holder has lost it.
			delivered := map[string]store.Delivery{first.ID: {State: store.DeliveryDelivered, Form: "x"}}
			assert.False(t, settle(t, st, c, store.Settlement{Deliveries: delivered, Done: true}))
			assert.Empty(t, load(t, st, 1)[first.ID].Backends)
			assert.True(t, settle(t, st, again[0], store.Settlement{Deliveries: delivered, Done: true}))
			assert.Equal(t, delivered[first.ID], load(t, st, 1)[first.ID].Backends[backendName])
			assert.False(t, settle(t, st, again[0], store.Settlement{Done: true}))
			assert.Zero(t, backlog(t, st))
		})
	}
}

func TestClaimTakesPeopleFirst(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			for n := range 200 {
				put(t, st, check(n, "c", assessment.True))
			}
			put(t, st, opinion(200, "a-1", assessment.True), opinion(7, "a-1", assessment.True))
			claims := claim(t, st, 10)
			require.Len(t, claims, 10)
			assert.ElementsMatch(t, []string{traceID(200), traceID(7)}, []string{claims[0].TraceID, claims[1].TraceID})
			seen := map[string]bool{}
			for len(claims) > 0 {
				for _, c := range claims {
					assert.False(t, seen[c.TraceID])
					seen[c.TraceID] = true
				}
				claims = claim(t, st, 10)
			}
			assert.Len(t, seen, 201)
			assert.Equal(t, 201, backlog(t, st))
		})
	}
}

func TestSettleRetryAndDone(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			put(t, st, check(1, "c", assessment.True))
			first := claim(t, st, 1)[0]
			require.True(t, settle(t, st, first, store.Settlement{RetryAfter: 300 * time.Millisecond}))
			assert.Empty(t, claim(t, st, 1))
			s.pass(t, 350*time.Millisecond)
			second := claim(t, st, 1)
			require.Len(t, second, 1)
			assert.Equal(t, 1, second[0].Attempts)
			assert.Equal(t, first.Since, second[0].Since)
			assert.GreaterOrEqual(t, second[0].Waited, 300*time.Millisecond)
			assert.Less(t, second[0].Waited, time.Hour)

			// A write during the claim makes it due again instead of done.
			put(t, st, check(1, "d", assessment.True))
			require.True(t, settle(t, st, second[0], store.Settlement{Done: true}))
			third := claim(t, st, 1)
			require.Len(t, third, 1)
			assert.Zero(t, third[0].Attempts)

			// A write to a deferred trace makes it due at once; one that changes nothing does not.
			require.True(t, settle(t, st, third[0], store.Settlement{RetryAfter: time.Hour}))
			put(t, st, check(1, "d", assessment.True))
			assert.Empty(t, claim(t, st, 1))
			put(t, st, check(1, "e", assessment.True))
			fourth := claim(t, st, 1)
			require.Len(t, fourth, 1)
			assert.Equal(t, 1, fourth[0].Attempts)
			require.True(t, settle(t, st, fourth[0], store.Settlement{Done: true}))
			assert.Zero(t, backlog(t, st))
		})
	}
}

func TestSettleDeadAndRequeue(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			a := check(1, "c", assessment.True)
			put(t, st, a)
			reason := strings.Repeat("r", 2000)
			require.True(t, settle(t, st, claim(t, st, 1)[0], store.Settlement{
				Deliveries: map[string]store.Delivery{a.ID: {State: store.DeliveryDead, Attempts: 3, Form: "f", Reason: "x"}},
				Dead:       reason,
			}))
			assert.Zero(t, backlog(t, st))
			stats, err := st.Stats(t.Context(), backendName)
			require.NoError(t, err)
			assert.EqualValues(t, 1, stats.Dead)
			assert.Equal(t, store.DeliveryDead, load(t, st, 1)[a.ID].Backends[backendName].State)
			dead, err := st.Dead(t.Context(), backendName, 10)
			require.NoError(t, err)
			require.Len(t, dead, 1)
			assert.Equal(t, traceID(1), dead[0].TraceID)
			assert.Equal(t, reason[:1024], dead[0].Reason)

			back, err := st.Requeue(t.Context(), backendName, traceID(1), traceID(2))
			require.NoError(t, err)
			assert.Equal(t, 1, back)
			claims := claim(t, st, 1)
			require.Len(t, claims, 1)
			delivery := claims[0].Records[a.ID].Backends[backendName]
			assert.Equal(t, store.DeliveryPending, delivery.State)
			assert.Zero(t, delivery.Attempts)
			assert.Equal(t, "f", delivery.Form)

			// A change brings a dead trace back as well, even one that came during the claim.
			require.True(t, settle(t, st, claims[0], store.Settlement{Dead: "trace_wait"}))
			put(t, st, check(1, "d", assessment.True))
			claims = claim(t, st, 1)
			require.Len(t, claims, 1)
			put(t, st, check(1, "e", assessment.True))
			require.True(t, settle(t, st, claims[0], store.Settlement{Dead: "trace_wait"}))
			assert.Len(t, claim(t, st, 1), 1)
			none, err := st.Dead(t.Context(), backendName, 10)
			require.NoError(t, err)
			assert.Empty(t, none)
		})
	}
}

func TestMaxWaiting(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxWaiting, set.MaxDead = 64, 64 })
			for n := range 400 {
				put(t, st, check(n, "c", assessment.True))
			}
			people := 0
			for n := 400; n < 500; n++ {
				put(t, st, opinion(n, "a-1", assessment.True))
				people++
			}
			stats, err := st.Stats(t.Context(), backendName)
			require.NoError(t, err)
			assert.LessOrEqual(t, stats.Backlog, int64(64+people))
			assert.GreaterOrEqual(t, stats.Backlog, int64(people))
			assert.LessOrEqual(t, stats.Dead, int64(64))
			dead, err := st.Dead(t.Context(), backendName, 1)
			require.NoError(t, err)
			require.Len(t, dead, 1)
			assert.Equal(t, "max_waiting", dead[0].Reason)
			back, err := st.Requeue(t.Context(), backendName, dead[0].TraceID)
			require.NoError(t, err)
			assert.Equal(t, 1, back)
		})
	}
}

func TestStatsAge(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			stats, err := st.Stats(t.Context(), backendName)
			require.NoError(t, err)
			assert.Equal(t, store.Stats{}, stats)
			put(t, st, check(1, "c", assessment.True))
			s.pass(t, 50*time.Millisecond)
			stats, err = st.Stats(t.Context(), backendName)
			require.NoError(t, err)
			assert.EqualValues(t, 1, stats.Backlog)
			assert.GreaterOrEqual(t, stats.BacklogAge, 50*time.Millisecond)
		})
	}
}

func TestTakeOver(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			other := store.Backend{Name: "other", Endpoint: "http://other"}
			st := s.open(t, func(_ *store.Config, set *store.Settings) {
				set.Backends = slices.Concat(oneBackend, []store.Backend{other})
			})
			mine := check(1, "c", assessment.True)
			put(t, st, mine)
			elsewhere, err := st.Claim(t.Context(), other.Name, 1, time.Minute)
			require.NoError(t, err)
			require.Len(t, elsewhere, 1)
			require.True(t, settle(t, st, elsewhere[0], store.Settlement{Done: true}))

			c := claim(t, st, 1)[0]
			edited := c.Records[mine.ID]
			edited.Value, edited.Author = assessment.False, "expert@company.com"
			edited.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryDelivered, Form: "edited"}}
			theirs := store.Record{Assessment: opinion(1, "a-theirs", assessment.String("good")), Author: "expert@company.com"}
			theirs.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryTheirs}}
			unnamed := theirs
			unnamed.ID = ".sync:feedback"
			require.True(t, settle(t, st, c, store.Settlement{
				TakenOver: []store.Record{edited, theirs, unnamed}, Done: true,
			}))
			records := load(t, st, 1)
			require.Len(t, records, 2)
			got := records[mine.ID]
			assert.Equal(t, assessment.False, got.Value)
			assert.True(t, got.Touched)
			assert.EqualValues(t, 2, got.Revision)
			assert.Equal(t, "expert@company.com", got.Author)
			assert.Equal(t, edited.Backends, got.Backends)
			require.Len(t, got.History, 1)
			assert.Equal(t, "backend", got.History[0].Door)
			assert.Equal(t, mine, got.History[0].Old)
			assert.True(t, records["a-theirs"].Touched)
			assert.Equal(t, theirs.Assessment, records["a-theirs"].Assessment)
			assert.Equal(t, store.DeliveryTheirs, records["a-theirs"].Backends[backendName].State)

			// Settled here, due at the other backend; automation leaves both alone.
			assert.Zero(t, backlog(t, st))
			elsewhere, err = st.Claim(t.Context(), other.Name, 1, time.Minute)
			require.NoError(t, err)
			require.Len(t, elsewhere, 1)
			newer := mine
			newer.Fingerprint = "f2"
			assert.Equal(t, []store.Outcome{store.OutcomeUnchanged}, put(t, st, newer))

			// The same again changes nothing.
			put(t, st, check(1, "d", assessment.True))
			c = claim(t, st, 1)[0]
			require.True(t, settle(t, st, c, store.Settlement{
				TakenOver: []store.Record{c.Records[mine.ID], c.Records["a-theirs"]}, Done: true,
			}))
			assert.EqualValues(t, 2, load(t, st, 1)[mine.ID].Revision)

			// What changed since the claim is not overwritten; the trace is due again.
			put(t, st, check(1, "e", assessment.True))
			c = claim(t, st, 1)[0]
			put(t, st, check(1, "f", assessment.True))
			edited = c.Records[mine.ID]
			edited.Value = assessment.String("later")
			require.True(t, settle(t, st, c, store.Settlement{TakenOver: []store.Record{edited}, RetryAfter: time.Hour}))
			assert.Equal(t, assessment.False, load(t, st, 1)[mine.ID].Value)
			assert.Len(t, claim(t, st, 1), 1)
		})
	}
}

func TestTakeOverIsBounded(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxPerTrace, set.MaxAssessmentSize = 2, 2000 })
			put(t, st, check(1, "c", assessment.True))
			large := store.Record{Assessment: opinion(1, "a-large", assessment.True)}
			large.Rationale = strings.Repeat("x", 2000)
			second := store.Record{Assessment: opinion(1, "a-2", assessment.True)}
			second.CreateTime, second.UpdateTime = time.Time{}, time.Time{}
			third := store.Record{Assessment: opinion(1, "a-3", assessment.True)}
			require.True(t, settle(t, st, claim(t, st, 1)[0], store.Settlement{
				TakenOver: []store.Record{large, second, second, third}, Done: true,
			}))
			records := load(t, st, 1)
			assert.Len(t, records, 2)
			assert.False(t, records["a-2"].CreateTime.IsZero())
		})
	}
}

func TestSettleAll(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			put(t, st, check(1, "c", assessment.True), check(2, "c", assessment.True))
			claims := claim(t, st, 2)
			require.Len(t, claims, 2)
			claims[1].Token = "another"
			held, err := st.SettleAll(t.Context(), claims, []store.Settlement{{Done: true}, {Done: true}})
			require.NoError(t, err)
			assert.Equal(t, []bool{true, false}, held)
			_, err = st.SettleAll(t.Context(), claims, nil)
			require.ErrorContains(t, err, "as many settlements as claims")
		})
	}
}
