package sampling

import (
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

// within holds a count of n draws with probability p to four standard errors.
func within(t *testing.T, count, n int, p float64) {
	t.Helper()
	tolerance := 4 * math.Sqrt(float64(n)*p*(1-p))
	assert.InDelta(t, float64(n)*p, float64(count), tolerance+1e-9)
}

func TestProbability(t *testing.T) {
	t.Parallel()
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
			decision := decide(newRate(t, tt.rate), newSubject().at(pcommon.TraceID{1}, tt.tracestate))
			assert.InDelta(t, tt.want, decision.Probability, 1e-15)
			assert.Equal(t, "rest", decision.Rule)
			assert.Equal(t, StratumRandom, decision.Stratum)
		})
	}
}

func TestShareIsTheRate(t *testing.T) {
	t.Parallel()
	const n = 100_000
	for _, rate := range []float64{1, 0.5, 0.1, 0.01, 0.001} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			sampler, one, count := newRate(t, rate), newSubject(), 0
			for range n {
				if decide(sampler, one.at(randomID(random), "")).Sampled {
					count++
				}
			}
			within(t, count, n, rate)
		})
	}
}

// TestEstimateIsUnbiased weights what was judged by its inclusion probability, behind two upstream rates at once.
func TestEstimateIsUnbiased(t *testing.T) {
	t.Parallel()
	const n, rate = 200_000, 0.3
	random := rand.New(rand.NewPCG(5, 6))
	sampler, one := newRate(t, rate), newSubject()
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
		if decision := decide(sampler, one.at(id, "ot=th:"+tvalue)); decision.Sampled {
			estimate += 1 / decision.Probability
		}
	}
	assert.InDelta(t, n, estimate, 4*math.Sqrt(variance))
}

func TestTracesAreDrawnAsAWhole(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	low, high := newRate(t, 0.1), newRate(t, 0.3)
	first, second := newSubject(), newSubject()
	second.span.SetSpanID(pcommon.SpanID{9})
	for range 10_000 {
		id := randomID(random)
		a, b := decide(high, first.at(id, "")), decide(high, second.at(id, "vendor=other-span-of-the-trace"))
		require.Equal(t, a, b)
		if decide(low, first).Sampled {
			require.True(t, a.Sampled, "a higher rate takes all that a lower one takes")
		}
	}
}

// TestCohortsAreIndependent counts what two cohorts both draw.
func TestCohortsAreIndependent(t *testing.T) {
	t.Parallel()
	const n, rate = 50_000, 0.3
	random := rand.New(rand.NewPCG(9, 10))
	sampler, both := newRate(t, rate), 0
	other := *sampler
	other.cohort = "other"
	one := newSubject()
	for range n {
		one.at(randomID(random), "")
		if decide(sampler, one).Sampled && decide(&other, one).Sampled {
			both++
		}
	}
	within(t, both, n, rate*rate)
}

func TestDraws(t *testing.T) {
	t.Parallel()
	first, second := newSpan(pcommon.TraceID{1}, ""), newSpan(pcommon.TraceID{2}, "ot=th:8")
	var draws Draws
	for _, span := range []ptrace.Span{first, second, first} {
		draws.Turn(span)
		for _, cohort := range []string{"a", "b", "a"} {
			assert.Equal(t, NewDraw(cohort, span), draws.In(cohort))
		}
		assert.Len(t, draws.known, 2)
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
	sampler := newRate(f, 0.5)
	f.Fuzz(func(t *testing.T, tracestate string) {
		decision := decide(sampler, newSubject().at(pcommon.TraceID{1}, tracestate))
		require.Positive(t, decision.Probability)
		require.LessOrEqual(t, decision.Probability, 0.5)
	})
}
