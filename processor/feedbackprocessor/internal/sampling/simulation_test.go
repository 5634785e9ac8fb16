package sampling

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// share counts what a rule drew of what it was asked about.
type share struct {
	asked, drawn int
	// squares is the sum over traces of the square of asked: spans of one trace are drawn together.
	squares float64
}

// checkRate holds a share to a rate within four standard errors.
func (s share) checkRate(t *testing.T, rate float64, names ...string) {
	t.Helper()
	assert.Positive(t, s.asked, names)
	assert.InDelta(t, rate*float64(s.asked), float64(s.drawn), 4*math.Sqrt(s.squares*rate*(1-rate))+1e-9, names)
}

// TestSimulatedRates sends a million spans, a fifth of them through each of the rule sets, to two replicas that stand
// behind all upstream samplers at once.
func TestSimulatedRates(t *testing.T) {
	t.Parallel()
	const spans = 200_000
	upstreams := newUpstreams(t)
	for i, set := range ruleSets {
		t.Run(set.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(11, uint64(i)))
			one, other := newReplica(t, set), newReplica(t, set)
			shares := make([][]share, len(upstreams))
			for i := range shares {
				shares[i] = make([]share, len(set.rules))
			}
			for arrived := 0; arrived < spans; {
				from, id := random.IntN(len(upstreams)), randomID(random)
				tracestate, kept := upstreams[from].keep(id, random)
				if !kept {
					continue
				}
				trace, n := newTrace(random)
				decisions := one.decideAll(trace[:n], id, tracestate)
				if other.decideAll(trace[:n], id, tracestate) != decisions {
					t.Fatal("two replicas disagree")
				}
				one.count(t, shares[from], decisions[:n], upstreams[from].says)
				arrived += n
			}
			for from, ofRules := range shares {
				for rule, share := range ofRules {
					share.checkRate(t, set.rules[rule].Rate, upstreams[from].name, set.rules[rule].Name)
				}
			}
		})
	}
}

// replica is one processor with its own copy of everything.
type replica struct {
	rules   map[string]int
	configs []RuleConfig
	sampler *Sampler
	kinds   [kinds]*subject
}

func newReplica(tb testing.TB, set ruleSet) *replica {
	tb.Helper()
	r := &replica{rules: make(map[string]int), configs: set.rules, sampler: newSampler(tb, set.rules...), kinds: newKinds()}
	for i, rule := range set.rules {
		r.rules[rule.Name] = i
	}
	return r
}

func (r *replica) decideAll(trace []kind, id pcommon.TraceID, tracestate string) (decisions [maxSpans]Decision) {
	for i, kind := range trace {
		decisions[i] = decide(r.sampler, r.kinds[kind].at(id, tracestate))
	}
	return decisions
}

// count counts the decisions about a trace.
func (r *replica) count(t *testing.T, shares []share, decisions []Decision, upstream float64) {
	t.Helper()
	var asked [8]int
	for _, decision := range decisions {
		rule, ok := r.rules[decision.Rule]
		if !ok {
			continue
		}
		if decision.Probability != upstream*r.configs[rule].Rate {
			t.Fatalf("rule %q: probability %v", decision.Rule, decision.Probability)
		}
		asked[rule]++
		if decision.Sampled {
			shares[rule].drawn++
		}
	}
	for rule := range shares {
		shares[rule].asked += asked[rule]
		shares[rule].squares += float64(asked[rule] * asked[rule])
	}
}
