package sampling

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// days simulates days of traffic that one judge samples.
type days struct {
	random    *rand.Rand
	sampler   *Sampler
	upstreams []upstream
	// ruleOf is the rule for each kind of span, or -1. Rules do not change over a day, so each kind is decided once.
	ruleOf [kinds]int
	span   ptrace.Span

	// traces is the least number of traces that a day has; the most is three times as much.
	traces float64
	// drift is by how much the share of good answers falls from the first minute to the last.
	drift float64
	// premiumPenalty is by how much it is lower for premium.
	premiumPenalty float64
	// limits are how many judgements a day each rule has; nil for no limits.
	limits []int
}

// day is what became of one day.
type day struct {
	// truth is the pass rate of all subjects that some rule is for: where an upstream sampler tells of itself, also
	// of those that it dropped.
	truth  float64
	judged []observation
	rules  []int // of what was judged
	counts []counts
}

// counts are the decisions about a rule's subjects.
type counts struct {
	arrived, judged, turnedAway int
}

// effective is the share of a rule's subjects that was judged, as metrics tell it: they do not know what of the
// subjects that were not drawn a limit would have turned away.
func (c counts) effective(rate float64) float64 {
	return rate * float64(c.judged) / float64(c.judged+c.turnedAway)
}

func newDays(tb testing.TB, seed uint64, set ruleSet) *days {
	tb.Helper()
	d := &days{
		random: rand.New(rand.NewPCG(seed, 0)), sampler: newSampler(tb, set.rules...),
		upstreams: newUpstreams(tb), span: ptrace.NewSpan(), traces: 500,
	}
	for kind, one := range newKinds() {
		d.ruleOf[kind] = -1
		for i, rule := range set.rules {
			if rule.Name == decide(d.sampler, one).Rule {
				d.ruleOf[kind] = i
			}
		}
	}
	return d
}

// next simulates a day, behind all upstream samplers at once.
func (d *days) next() day {
	result := day{counts: make([]counts, len(d.sampler.rules))}
	traces := int(d.traces * math.Exp(d.random.Float64()*math.Log(3)))
	quality := quality{good: 0.75 + 0.24*d.random.Float64(), bad: 0.05 + 0.2*d.random.Float64()}
	passed, all := 0, 0
	for trace := range traces {
		id := randomID(d.random)
		from := &d.upstreams[d.random.IntN(len(d.upstreams))]
		tracestate, kept := from.keep(id, d.random)
		if !kept && from.says == 1 {
			continue // what arrives is all there is
		}
		spans, n := newTrace(d.random)
		pass := d.passRate(quality, spans[0], float64(trace)/float64(traces))
		var draw Draw
		if kept {
			d.span.SetTraceID(id)
			d.span.TraceState().FromRaw(tracestate)
			draw = NewDraw(DefaultCohort, d.span)
		}
		for _, kind := range spans[:n] {
			chances := d.random.Uint64()
			one := observation{trace: trace, passed: chance(chances) < pass}
			rule := d.ruleOf[check(kind, one.passed, chance(chances>>32))]
			if rule < 0 {
				continue
			}
			all++
			if one.passed {
				passed++
			}
			if kept {
				d.decide(&result, one, rule, draw)
			}
		}
	}
	result.truth = float64(passed) / float64(all)
	return result
}

// quality is how a day's answers are: most traces are good, in bad ones most answers fail.
type quality struct{ good, bad float64 }

func (d *days) passRate(of quality, first kind, time float64) float64 {
	if d.random.Float64() < of.bad {
		return 0.3
	}
	pass := of.good - d.drift*time
	if first&ofLarge == 0 {
		pass -= 0.1
	}
	if first&ofPremium != 0 {
		pass -= d.premiumPenalty
	}
	return pass
}

// chance is a number in [0, 1) from half of a random one.
func chance(bits uint64) float64 { return float64(bits&math.MaxUint32) / (1 << 32) }

// check lets the check fail on half of the bad answers and some of the good ones.
func check(of kind, passed bool, chance float64) kind {
	if chance < 0.04 || !passed && chance < 0.5 {
		return of | hasFailed
	}
	return of &^ hasFailed
}

func (d *days) decide(result *day, one observation, rule int, draw Draw) {
	of := &result.counts[rule]
	of.arrived++
	decision := d.sampler.rules[rule].decide(draw)
	switch {
	case !decision.Sampled:
	case d.limits != nil && of.judged >= d.limits[rule]:
		of.turnedAway++
	default:
		of.judged++
		one.probability = decision.Probability
		result.judged = append(result.judged, one)
		result.rules = append(result.rules, rule)
	}
}

// tells reports whether enough was judged for an interval.
func (d *day) tells() bool {
	passed := 0
	for _, one := range d.judged {
		if one.passed {
			passed++
		}
	}
	return len(d.judged) >= 30 && passed >= 10 && len(d.judged)-passed >= 10
}

// coverage is how often intervals hold the truth.
type coverage struct {
	n, held      int
	error, width float64
}

func (c *coverage) add(estimate estimate, truth float64) {
	c.n++
	if estimate.low <= truth && truth <= estimate.high {
		c.held++
	}
	c.error += estimate.rate - truth
	c.width += estimate.high - estimate.low
}

func (c *coverage) share() float64     { return float64(c.held) / float64(c.n) }
func (c *coverage) meanError() float64 { return c.error / float64(c.n) }
func (c *coverage) meanWidth() float64 { return c.width / float64(c.n) }

func (c *coverage) log(t *testing.T, name string) {
	t.Helper()
	t.Logf("%s: %d days, %.2f %% hold the truth, mean error %+.4f, mean width %.4f", name, c.n, 100*c.share(), c.meanError(), c.meanWidth())
}

// TestSimulatedIntervals estimates the pass rate of 2,000 days from what was judged of each.
func TestSimulatedIntervals(t *testing.T) {
	t.Parallel()
	for i, set := range ruleSets {
		t.Run(set.name, func(t *testing.T) {
			t.Parallel()
			simulated := newDays(t, 100+uint64(i), set)
			var covered coverage
			skipped, judged := 0, 0
			for covered.n < 2000 && skipped < 2000 {
				day := simulated.next()
				if !day.tells() {
					skipped++
					continue
				}
				judged += len(day.judged)
				covered.add(estimateOf(day.judged), day.truth)
			}
			covered.log(t, set.name)
			t.Logf("%d judged a day, %d days skipped", judged/covered.n, skipped)
			require.Equal(t, 2000, covered.n)
			assert.GreaterOrEqual(t, covered.share(), 0.935)
			assert.Less(t, covered.share(), 0.995, "intervals are no wider than they need be")
			assert.InDelta(t, 0, covered.meanError(), covered.meanWidth()/20)
		})
	}
}
