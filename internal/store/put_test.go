package store_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

func TestPutRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*assessment.Assessment)
	}{
		{"no id", func(a *assessment.Assessment) { a.ID = "" }},
		{"an id of the bookkeeping", func(a *assessment.Assessment) { a.ID = ".sync:feedback" }},
		{"the subject's field", func(a *assessment.Assessment) { a.ID = "subject" }},
		{"an endless id", func(a *assessment.Assessment) { a.ID = strings.Repeat("a", 257) }},
		{"a trace id in capitals", func(a *assessment.Assessment) { a.TraceID = strings.Repeat("A", 32) }},
		{"a short trace id", func(a *assessment.Assessment) { a.TraceID = "ab" }},
		{"a short span id", func(a *assessment.Assessment) { a.SpanID = "ab" }},
		{"no name", func(a *assessment.Assessment) { a.Name = "" }},
		{"a value that is not JSON", func(a *assessment.Assessment) { a.Value = `{"a":` }},
		{"a control character in a value's text", func(a *assessment.Assessment) { a.Value = "\"\t\\n\"" }},
		{"a value that ends the document", func(a *assessment.Assessment) { a.Value = `1,"touched":true` }},
		{"more than max_assessment_size", func(a *assessment.Assessment) { a.Rationale = strings.Repeat("x", 4000) }},
		{"a year that RFC 3339 cannot spell", func(a *assessment.Assessment) {
			a.UpdateTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		}},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxAssessmentSize = 4000 })
			for i, test := range tests {
				bad, good := check(i, "c", assessment.True), check(100+i, "c", assessment.True)
				test.change(&bad)
				assert.Equal(t, []store.Outcome{store.OutcomeRefused, store.OutcomeStored}, put(t, st, bad, good), test.name)
			}
			assert.Equal(t, len(tests), backlog(t, st))
		})
	}
}

func TestPutKeepsEverything(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			wrapped := check(3, "c", "{\n\t\"a\": 1\n}")
			assert.Equal(t, []store.Outcome{store.OutcomeStored}, put(t, st, wrapped))
			assert.Equal(t, wrapped, load(t, st, 3)[wrapped.ID].Assessment)
			full := check(1, "größe \"quoted\"\n", `{"overall_score":1.0,"details":{"list":[],"empty":{},"big":12345678901234567890}}`)
			full.Error = &assessment.Error{Code: "EVALUATION_FAILED", Type: "t", Message: "m\x01", StackTrace: "s"}
			full.UpdateTime = created.Add(time.Nanosecond)
			assert.Equal(t, []store.Outcome{store.OutcomeStored}, put(t, st, full))
			record := load(t, st, 1)[full.ID]
			assert.Equal(t, full, record.Assessment)
			assert.Equal(t, store.RecordVersion, record.Version)
			assert.EqualValues(t, 1, record.Revision)

			untimed := check(2, "c", assessment.True)
			untimed.CreateTime, untimed.UpdateTime = time.Time{}, time.Time{}
			put(t, st, untimed)
			assert.WithinDuration(t, s.time(t), load(t, st, 2)[untimed.ID].CreateTime, time.Minute)
			assert.Equal(t, []store.Outcome{store.OutcomeUnchanged}, put(t, st, untimed))
			assert.Empty(t, load(t, st, 4))
		})
	}
}

func TestPutFirstValueWins(t *testing.T) {
	base := check(1, "c", assessment.True)
	changed := func(change func(*assessment.Assessment)) assessment.Assessment {
		a := base
		change(&a)
		return a
	}
	other := changed(func(a *assessment.Assessment) { a.Value = assessment.False })
	newer := changed(func(a *assessment.Assessment) { a.Value, a.Fingerprint = assessment.False, "f2" })
	tests := []struct {
		name    string
		first   []assessment.Assessment
		then    assessment.Assessment
		outcome store.Outcome
		value   assessment.Value
		reasons []string
	}{
		{"the same again", []assessment.Assessment{base}, base, store.OutcomeUnchanged, assessment.True, nil},
		{"another value", []assessment.Assessment{base}, other, store.OutcomeUnchanged, assessment.True, nil},
		{"an error after a value", []assessment.Assessment{base}, failed(base), store.OutcomeUnchanged, assessment.True, nil},
		{
			"a value after an error",
			[]assessment.Assessment{failed(base)},
			base, store.OutcomeUpdated, assessment.True,
			[]string{"value_replaces_error"},
		},
		{"another error after an error", []assessment.Assessment{failed(base)}, changed(func(a *assessment.Assessment) {
			*a = failed(*a)
			a.Error.Message = "refused"
		}), store.OutcomeUnchanged, "", nil},
		{
			"a new fingerprint",
			[]assessment.Assessment{base},
			newer, store.OutcomeUpdated, assessment.False,
			[]string{"fingerprint"},
		},
		{
			"an error of a new fingerprint",
			[]assessment.Assessment{base},
			failed(newer), store.OutcomeUnchanged, assessment.True, nil,
		},
		{
			"an old fingerprint that comes late",
			[]assessment.Assessment{base, newer},
			base, store.OutcomeUnchanged, assessment.False,
			[]string{"fingerprint"},
		},
		{
			"without fingerprint",
			[]assessment.Assessment{base},
			changed(func(a *assessment.Assessment) { a.Value, a.Fingerprint = assessment.False, "" }),
			store.OutcomeUnchanged, assessment.True, nil,
		},
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			for i, test := range tests {
				st := s.open(t, func(cfg *store.Config, _ *store.Settings) { cfg.KeyPrefix = "fb" + strconv.Itoa(i) })
				for _, a := range test.first {
					put(t, st, a)
				}
				before := claim(t, st, 10)
				require.Len(t, before, 1, test.name)
				require.True(t, settle(t, st, before[0], store.Settlement{Done: true}))
				assert.Equal(t, []store.Outcome{test.outcome}, put(t, st, test.then), test.name)
				record := load(t, st, 1)[base.ID]
				assert.Equal(t, test.value, record.Value, test.name)
				var reasons []string
				for _, change := range record.History {
					reasons = append(reasons, change.Reason)
					assert.Equal(t, "telemetry", change.Door)
					assert.False(t, change.Time.IsZero())
				}
				assert.Equal(t, test.reasons, reasons, test.name)
				if test.outcome == store.OutcomeUnchanged {
					assert.Zero(t, backlog(t, st), test.name)
				} else {
					after := claim(t, st, 10)
					require.Len(t, after, 1, test.name)
					assert.Greater(t, after[0].Revision, before[0].Revision, test.name)
				}
			}
		})
	}
}

func TestPutTwiceInOneBatch(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			base := check(1, "c", assessment.True)
			assert.Equal(t,
				[]store.Outcome{store.OutcomeStored, store.OutcomeUpdated, store.OutcomeUnchanged},
				put(t, st, failed(base), base, base))
			assert.Equal(t, assessment.True, load(t, st, 1)[base.ID].Value)
		})
	}
}

func TestPutLeavesPeoplesWorkAlone(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			base := check(1, "c", assessment.True)
			newer := base
			newer.Value, newer.Fingerprint = assessment.False, "f2"
			put(t, st, base)

			override := opinion(1, "a-person", assessment.False)
			override.Overrides = base.ID
			assert.Equal(t, []store.Outcome{store.OutcomeStored}, put(t, st, override))
			record := load(t, st, 1)[base.ID]
			assert.True(t, record.Invalid)
			assert.True(t, record.Touched)
			assert.Equal(t, "expert@company.com", record.Author)
			assert.Equal(t, []store.Outcome{store.OutcomeUnchanged, store.OutcomeUnchanged}, put(t, st, newer, override))
			assert.Equal(t, record, load(t, st, 1)[base.ID])

			t.Run("the original comes after the override", func(t *testing.T) {
				late, early := check(2, "c", assessment.True), opinion(2, "a-person", assessment.False)
				early.Overrides = late.ID
				put(t, st, early)
				assert.Equal(t, []store.Outcome{store.OutcomeStored}, put(t, st, late))
				record := load(t, st, 2)[late.ID]
				assert.True(t, record.Invalid)
				assert.True(t, record.Touched)
			})
			t.Run("a tombstone stays", func(t *testing.T) {
				put(t, st, check(3, "c", assessment.True))
				claims := claim(t, st, 10)
				for _, c := range claims {
					if c.TraceID != traceID(3) {
						continue
					}
					deleted := c.Records[check(3, "c", "").ID]
					deleted.Deleted, deleted.Touched = created, true
					require.True(t, settle(t, st, c, store.Settlement{TakenOver: []store.Record{deleted}, Done: true}))
				}
				again := check(3, "c", assessment.False)
				again.Fingerprint = "f2"
				assert.Equal(t, []store.Outcome{store.OutcomeUnchanged}, put(t, st, again))
				assert.Equal(t, created, load(t, st, 3)[again.ID].Deleted)
			})
			t.Run("the later of a person's words", func(t *testing.T) {
				first := opinion(4, "a-4", assessment.True)
				second := opinion(4, "a-4", assessment.False)
				second.UpdateTime = created.Add(time.Hour)
				put(t, st, first)
				assert.Equal(t, []store.Outcome{store.OutcomeUpdated}, put(t, st, second))
				assert.Equal(t, []store.Outcome{store.OutcomeUnchanged}, put(t, st, first))
				assert.Equal(t, assessment.False, load(t, st, 4)["a-4"].Value)
			})
		})
	}
}

func TestPutAutomatedOverride(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			original, person := check(1, "c", assessment.True), opinion(1, "a-person", assessment.True)
			over, overPerson := check(1, "d", assessment.False), check(1, "e", assessment.False)
			over.Overrides, overPerson.Overrides = original.ID, person.ID
			put(t, st, original, person, over, overPerson)
			records := load(t, st, 1)
			assert.True(t, records[original.ID].Invalid)
			assert.False(t, records[original.ID].Touched)
			assert.False(t, records[person.ID].Invalid)
		})
	}
}

func TestPutBoundsHistory(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxAssessmentSize = 8000 })
			base := check(1, "c", assessment.True)
			for i := range 40 {
				base.Fingerprint, base.Value = strconv.Itoa(i), assessment.Int(int64(i))
				put(t, st, base)
			}
			record := load(t, st, 1)[base.ID]
			assert.Equal(t, assessment.Int(39), record.Value)
			assert.EqualValues(t, 40, record.Revision)
			assert.LessOrEqual(t, len(record.History), 16)
			assert.Equal(t, assessment.Int(38), record.History[len(record.History)-1].Old.Value)

			base.Fingerprint, base.Rationale = "large", strings.Repeat("x", 7000)
			assert.Equal(t, []store.Outcome{store.OutcomeUpdated}, put(t, st, base))
			assert.Less(t, len(load(t, st, 1)[base.ID].History), 5)
		})
	}
}

func TestPutMaxPerTrace(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxPerTrace = 200 })
			var batch []assessment.Assessment
			for i := range 203 {
				batch = append(batch, check(1, "c"+strconv.Itoa(i), assessment.True))
			}
			outcomes := put(t, st, batch...)
			assert.Equal(t, store.OutcomeStored, outcomes[199])
			assert.Equal(t, []store.Outcome{store.OutcomeRefused, store.OutcomeRefused, store.OutcomeRefused}, outcomes[200:])
			assert.Len(t, load(t, st, 1), 200)
			again := put(t, st, batch...)
			assert.Equal(t, store.OutcomeUnchanged, again[0])
			assert.Equal(t, store.OutcomeRefused, again[202])

			over := opinion(1, "a-person", assessment.True)
			over.Overrides = batch[0].ID
			assert.Equal(t, []store.Outcome{store.OutcomeRefused}, put(t, st, over))
		})
	}
}

func TestPutManyMergedAtOnce(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			var first, second []assessment.Assessment
			for i := range 300 {
				a := check(1+i%2, "c"+strconv.Itoa(i), assessment.True)
				first = append(first, a)
				a.Fingerprint = "f2"
				second = append(second, a)
			}
			put(t, st, first...)
			for _, outcome := range put(t, st, second...) {
				require.Equal(t, store.OutcomeUpdated, outcome)
			}
		})
	}
}

func TestNewerVersionsStayUntouched(t *testing.T) {
	newer := `{"version":2,"name":{"changed":"shape"}}`
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, nil)
			base := check(1, "c", assessment.True)
			put(t, st, base)
			key := traceKey(t, s, 1)
			require.NoError(t, s.client.HSet(t.Context(), key, base.ID, newer).Err())
			changed := base
			changed.Fingerprint = "f2"
			assert.Equal(t, []store.Outcome{store.OutcomeUnchanged}, put(t, st, changed))

			c := claim(t, st, 1)[0]
			record := c.Records[base.ID]
			assert.Equal(t, 2, record.Version)
			record.Value = assessment.False
			require.True(t, settle(t, st, c, store.Settlement{TakenOver: []store.Record{record}, Done: true}))
			assert.Equal(t, newer, s.client.HGet(t.Context(), key, base.ID).Val())
			assert.Equal(t, 1, backlog(t, st), "left to a newer replica")

			require.NoError(t, s.client.HSet(t.Context(), key, base.ID, "{").Err())
			assert.Equal(t, []store.Outcome{store.OutcomeRefused}, put(t, st, changed))
			assert.Empty(t, load(t, st, 1))
			put(t, st, check(1, "d", assessment.True))
			c = claim(t, st, 1)[0]
			taken := store.Record{Assessment: changed}
			require.True(t, settle(t, st, c, store.Settlement{TakenOver: []store.Record{taken}, Done: true}))
			assert.Equal(t, "{", s.client.HGet(t.Context(), key, base.ID).Val())
			assert.Zero(t, backlog(t, st))
		})
	}
}

func TestKeysExpire(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.Retention = time.Second })
			put(t, st, check(1, "c", assessment.True))
			key := traceKey(t, s, 1)
			ttl := s.client.PTTL(t.Context(), key).Val()
			assert.Greater(t, ttl, time.Duration(0))
			assert.LessOrEqual(t, ttl, time.Second)
			s.pass(t, 1100*time.Millisecond)
			assert.Empty(t, load(t, st, 1))
			assert.Equal(t, 1, backlog(t, st))
			assert.Empty(t, claim(t, st, 10))
			assert.Zero(t, backlog(t, st))

			put(t, st, check(2, "c", assessment.True))
			require.True(t, settle(t, st, claim(t, st, 1)[0], store.Settlement{Dead: "refused"}))
			dead := func() int64 {
				stats, err := st.Stats(t.Context(), backendName)
				require.NoError(t, err)
				return stats.Dead
			}
			assert.EqualValues(t, 1, dead())
			s.pass(t, 1100*time.Millisecond)
			assert.Zero(t, dead(), "an alert on the dead ends when they have expired")
		})
	}
}

func TestRecent(t *testing.T) {
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			st := s.open(t, func(_ *store.Config, set *store.Settings) { set.MaxRecent, set.Backends = 64, nil })
			for n := range 300 {
				if n == 299 {
					s.pass(t, 5*time.Millisecond)
				}
				put(t, st, check(n, "c", assessment.True))
			}
			recent, err := st.Recent(t.Context(), 1000)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(recent), 64)
			assert.Equal(t, traceID(299), recent[0])
			none, err := st.Recent(t.Context(), 0)
			require.NoError(t, err)
			assert.Empty(t, none)
			assert.Empty(t, s.client.Keys(t.Context(), "*:sync:*").Val())
		})
	}
}

// traceKey finds the key of the nth trace.
func traceKey(t *testing.T, s *server, n int) string {
	t.Helper()
	keys := s.client.Keys(t.Context(), "*:trace:"+traceID(n)).Val()
	require.Len(t, keys, 1)
	return keys[0]
}
