package sampling

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func newSpan(id pcommon.TraceID, tracestate string) ptrace.Span {
	span := ptrace.NewSpan()
	span.SetTraceID(id)
	span.TraceState().FromRaw(tracestate)
	return span
}

func randomID(random *rand.Rand) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:8], random.Uint64())
	binary.BigEndian.PutUint64(id[8:], random.Uint64())
	return id
}

func newSampler(tb testing.TB, rate float64) *Sampler {
	tb.Helper()
	sampler, err := New([]RuleConfig{{Name: "rest", Rate: rate}})
	require.NoError(tb, err)
	return sampler
}

// within holds a count of n draws with probability p to four standard errors.
func within(t *testing.T, count, n int, p float64) {
	t.Helper()
	tolerance := 4 * math.Sqrt(float64(n)*p*(1-p))
	assert.InDelta(t, float64(n)*p, float64(count), tolerance+1e-9)
}

func TestNewNeedsOneRule(t *testing.T) {
	t.Parallel()
	_, err := New(nil)
	require.Error(t, err)
	_, err = New([]RuleConfig{{Name: "a", Rate: 1}, {Name: "b", Rate: 1}})
	require.Error(t, err)
	_, err = New([]RuleConfig{{Name: "a", Rate: 2}})
	require.Error(t, err)
}

func TestProbability(t *testing.T) {
	id := pcommon.TraceID{1}
	tests := []struct {
		name       string
		rate       float64
		tracestate string
		want       float64
	}{
		{name: "no tracestate", rate: 0.25, want: 0.25},
		{name: "foreign tracestate", rate: 0.25, tracestate: "vendor=x", want: 0.25},
		{name: "upstream kept half", rate: 0.25, tracestate: "ot=th:8", want: 0.125},
		{name: "upstream kept all", rate: 0.25, tracestate: "ot=th:0", want: 0.25},
		{name: "beside others", rate: 0.5, tracestate: "a=b,ot=rv:ffffffffffffff;th:c,c=d", want: 0.125},
		{name: "not a threshold", rate: 0.5, tracestate: "ot=th:xyz", want: 0.5},
		{name: "threshold too long", rate: 0.5, tracestate: "ot=th:123456789abcdef", want: 0.5},
		{name: "broken tracestate", rate: 0.5, tracestate: "ot=,,=;", want: 0.5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			decision := newSampler(t, tt.rate).Decide(NewDraw(DefaultCohort, newSpan(id, tt.tracestate)))
			assert.InDelta(t, tt.want, decision.Probability, 1e-15)
			assert.Equal(t, "rest", decision.Rule)
			assert.Equal(t, StratumRandom, decision.Stratum)
		})
	}
}

func TestShareIsTheRate(t *testing.T) {
	const n = 100_000
	for _, rate := range []float64{1, 0.5, 0.1, 0.01, 0.001} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			sampler, count := newSampler(t, rate), 0
			for range n {
				if sampler.Decide(NewDraw(DefaultCohort, newSpan(randomID(random), ""))).Sampled {
					count++
				}
			}
			within(t, count, n, rate)
		})
	}
}

// TestUnbiasedBehindSamplers draws behind samplers that look at the same ids: an old SDK that keeps low ids, a new
// one that keeps high ones, and one that decides by rv.
func TestUnbiasedBehindSamplers(t *testing.T) {
	const arriving, rate = 50_000, 0.2
	half, err := sampling.TValueToThreshold("8")
	require.NoError(t, err)
	tests := []struct {
		name string
		keep func(id pcommon.TraceID, explicit sampling.Randomness) bool
		rv   bool
	}{
		{name: "low first half", keep: func(id pcommon.TraceID, _ sampling.Randomness) bool {
			return binary.BigEndian.Uint64(id[:8])>>1 < 1<<62
		}},
		{name: "low second half", keep: func(id pcommon.TraceID, _ sampling.Randomness) bool {
			return binary.BigEndian.Uint64(id[8:])>>1 < 1<<62
		}},
		{name: "high second half", keep: func(id pcommon.TraceID, _ sampling.Randomness) bool {
			return half.ShouldSample(sampling.TraceIDToRandomness(id))
		}},
		{name: "explicit randomness", rv: true, keep: func(_ pcommon.TraceID, explicit sampling.Randomness) bool {
			return half.ShouldSample(explicit)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, 4))
			sampler, seen, count := newSampler(t, rate), 0, 0
			for seen < arriving {
				id := randomID(random)
				explicit, err := sampling.UnsignedToRandomness(random.Uint64() >> 8)
				require.NoError(t, err)
				if !tt.keep(id, explicit) {
					continue
				}
				seen++
				tracestate := "ot=th:8"
				if tt.rv {
					tracestate += ";rv:" + explicit.RValue()
				}
				decision := sampler.Decide(NewDraw(DefaultCohort, newSpan(id, tracestate)))
				require.InDelta(t, rate/2, decision.Probability, 1e-15)
				if decision.Sampled {
					count++
				}
			}
			within(t, count, arriving, rate)
		})
	}
}

// TestEstimateIsUnbiased weights what was judged by its inclusion probability, behind two upstream rates at once.
func TestEstimateIsUnbiased(t *testing.T) {
	t.Parallel()
	const n, rate = 200_000, 0.3
	random := rand.New(rand.NewPCG(5, 6))
	sampler := newSampler(t, rate)
	estimate, variance := 0.0, 0.0
	for i := range n {
		tvalue := "8"
		if i%2 == 0 {
			tvalue = "c"
		}
		upstream, err := sampling.TValueToThreshold(tvalue)
		require.NoError(t, err)
		id := randomID(random)
		p := upstream.Probability() * rate
		variance += (1 - p) / p
		if !upstream.ShouldSample(sampling.TraceIDToRandomness(id)) {
			continue
		}
		if decision := sampler.Decide(NewDraw(DefaultCohort, newSpan(id, "ot=th:"+tvalue))); decision.Sampled {
			estimate += 1 / decision.Probability
		}
	}
	assert.InDelta(t, n, estimate, 4*math.Sqrt(variance))
}

func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	low, one, two := newSampler(t, 0.1), newSampler(t, 0.3), newSampler(t, 0.3)
	for range 10_000 {
		id := randomID(random)
		first, second := newSpan(id, ""), newSpan(id, "vendor=other-span-of-the-trace")
		second.SetSpanID(pcommon.SpanID{9})
		a, b := one.Decide(NewDraw(DefaultCohort, first)), two.Decide(NewDraw(DefaultCohort, second))
		require.Equal(t, a, b)
		if low.Decide(NewDraw(DefaultCohort, first)).Sampled {
			require.True(t, a.Sampled, "a higher rate takes all that a lower one takes")
		}
	}
}

// TestDrawIsPinned keeps replicas of different versions in agreement.
func TestDrawIsPinned(t *testing.T) {
	t.Parallel()
	id := pcommon.TraceID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	assert.Equal(t, "8954f1e69b1352", NewDraw(DefaultCohort, newSpan(id, "")).randomness.RValue())
	assert.Equal(t, "c58c9055752b32", NewDraw(DefaultCohort, newSpan(id, "ot=rv:6e6d1a75832a2f")).randomness.RValue())
	assert.NotEqual(t, NewDraw(DefaultCohort, newSpan(id, "")), NewDraw("other", newSpan(id, "")))
}

func FuzzNewDraw(f *testing.F) {
	for _, seed := range []string{"", "ot=th:8", "ot=rv:6e6d1a75832a2f;th:8", "a=b,ot=th:xyz", "ot=,,=;"} {
		f.Add(seed)
	}
	sampler := newSampler(f, 0.5)
	f.Fuzz(func(t *testing.T, tracestate string) {
		decision := sampler.Decide(NewDraw(DefaultCohort, newSpan(pcommon.TraceID{1}, tracestate)))
		require.Positive(t, decision.Probability)
		require.LessOrEqual(t, decision.Probability, 0.5)
	})
}

func BenchmarkDraw(b *testing.B) {
	for _, tracestate := range []string{"", "ot=rv:6e6d1a75832a2f;th:8"} {
		b.Run(tracestate, func(b *testing.B) {
			span, sampler := newSpan(pcommon.TraceID{1}, tracestate), newSampler(b, 0.5)
			b.ReportAllocs()
			for b.Loop() {
				sampler.Decide(NewDraw(DefaultCohort, span))
			}
		})
	}
}
