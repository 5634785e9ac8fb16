package sampling

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestSimulatedLimits turns away what goes beyond a third of a rule's judgements of a usual day. The probabilities of
// results know nothing of that, so pass rates are biased; it shows in what metrics tell, because the effective rate
// falls behind the rule's. Weights corrected by it mend what lies between rules. What lies between the hours before
// the limit and after it nothing mends: of the later ones nothing was judged.
func TestSimulatedLimits(t *testing.T) {
	t.Parallel()
	const n, bias = 60, 0.02
	tests := []struct {
		name           string
		set            ruleSet
		drift, penalty float64
		limited        []string
		mended         bool
	}{
		{name: "answers get worse over the day", set: ruleSets[0], drift: 0.4, limited: []string{"rest"}},
		{name: "answers get worse over the day, all rules", set: ruleSets[1], drift: 0.4, limited: []string{"premium", "rest"}},
		{name: "many failed checks", set: ruleSets[2], limited: []string{"failed"}, mended: true},
		{name: "bad answers for premium", set: ruleSets[1], penalty: 0.3, limited: []string{"premium"}, mended: true},
		{name: "good answers for the rest", set: ruleSets[1], penalty: 0.3, limited: []string{"rest"}, mended: true},
		{name: "several rules", set: ruleSets[4], limited: []string{"failed", "long"}, mended: true},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			simulated := newDays(t, 200+uint64(i), tt.set)
			simulated.traces, simulated.drift, simulated.premiumPenalty = 3000, tt.drift, tt.penalty
			free, _, usual := simulated.estimate(n)
			free.log(t, "without limits")
			assert.InDelta(t, 0, free.meanError(), bias/2)

			simulated.limits = limitsFrom(tt.set, tt.limited, usual, 3*n)
			nominal, mended, total := simulated.estimate(n)
			nominal.log(t, "weighted by probability")
			mended.log(t, "weighted by effective probability")
			assert.Greater(t, math.Abs(nominal.meanError()), bias)
			assert.Less(t, nominal.share(), 0.85)
			if tt.mended {
				assert.InDelta(t, 0, mended.meanError(), bias/2)
				assert.GreaterOrEqual(t, mended.share(), 0.9)
			} else {
				assert.Greater(t, math.Abs(mended.meanError()), bias)
			}
			checkReported(t, tt.set, tt.limited, total)
		})
	}
}

// limitsFrom limits rules to a part of what was judged.
func limitsFrom(set ruleSet, limited []string, of []counts, divisor int) []int {
	limits := make([]int, len(set.rules))
	for i, rule := range set.rules {
		limits[i] = math.MaxInt
		if slices.Contains(limited, rule.Name) {
			limits[i] = of[i].judged / divisor
		}
	}
	return limits
}

// estimate simulates days, and estimates their pass rates by the probability that results carry, and by that which
// the day's counts tell of.
func (d *days) estimate(n int) (nominal, mended coverage, total []counts) {
	total = make([]counts, len(d.sampler.rules))
	for range n {
		day := d.next()
		for rule, one := range day.counts {
			total[rule].arrived += one.arrived
			total[rule].judged += one.judged
			total[rule].turnedAway += one.turnedAway
		}
		nominal.add(estimateOf(day.judged), day.truth)
		for i := range day.judged {
			day.judged[i].probability *= day.counts[day.rules[i]].effective(1)
		}
		mended.add(estimateOf(day.judged), day.truth)
	}
	return nominal, mended, total
}

// checkReported compares what metrics tell with what became of all that arrived.
func checkReported(t *testing.T, set ruleSet, limited []string, total []counts) {
	t.Helper()
	for i, rule := range set.rules {
		reported, judged := total[i].effective(rule.Rate), float64(total[i].judged)/float64(total[i].arrived)
		t.Logf("rule %q: rate %v, reported as effective %.4f, judged %.4f", rule.Name, rule.Rate, reported, judged)
		assert.InEpsilon(t, judged, reported, 0.03)
		if slices.Contains(limited, rule.Name) {
			assert.Less(t, reported, rule.Rate/2)
		} else {
			assert.InDelta(t, rule.Rate, reported, 1e-12)
		}
	}
}
