package sampling

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// observation is one judged subject.
type observation struct {
	trace       int
	passed      bool
	probability float64
}

// estimate is a pass rate with its 95 % interval.
type estimate struct {
	rate, low, high float64
}

// estimateOf estimates the pass rate of all subjects from those that were judged; some must have passed and some
// failed, and those of one trace stand together.
//
// The rate is Hájek's: each subject stands for as many as the inverse of its inclusion probability says, and the sum
// is divided by the estimated, not the true, number (Hájek in Godambe & Sprott, "Foundations of Statistical
// Inference", 1971, p. 236). Its variance is that of the linearised estimator (Binder, "On the variances of
// asymptotically normal estimators from complex surveys", 1983), with traces as ultimate clusters: all subjects of a
// trace share one draw, and a bad trace is bad in many of them.
//
// The interval is made on the logit scale, so that it stays within (0, 1) and is wider towards the middle, as R's
// survey::svyciprop does. Its quantile is Student's. The degrees of freedom are Satterthwaite's ("An approximate
// distribution of estimates of variance components", 1946) with each trace's own square for its variance, which errs
// on the wide side: where few subjects of great weight decide, the variance is itself no more than guessed.
func estimateOf(judged []observation) estimate {
	var total, passed float64
	for _, one := range judged {
		weight := 1 / one.probability
		total += weight
		if one.passed {
			passed += weight
		}
	}
	rate := passed / total

	var squares, fourths, traces float64
	for i := 0; i < len(judged); {
		trace, residual := judged[i].trace, 0.0
		for ; i < len(judged) && judged[i].trace == trace; i++ {
			if judged[i].passed {
				residual += (1 - rate) / judged[i].probability
			} else {
				residual -= rate / judged[i].probability
			}
		}
		square := residual * residual
		squares, fourths, traces = squares+square, fourths+square*square, traces+1
	}
	variance := squares / (total * total) * traces / (traces - 1)

	logit := math.Log(rate / (1 - rate))
	margin := quantile975(squares*squares/fourths) * math.Sqrt(variance) / (rate * (1 - rate))
	return estimate{rate: rate, low: expit(logit - margin), high: expit(logit + margin)}
}

func expit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// quantile975 is the 97.5 % quantile of Student's distribution, by the expansion of Abramowitz & Stegun, 26.7.5.
func quantile975(freedom float64) float64 {
	const (
		z  = 1.959963984540054
		z2 = z * z
		g1 = z * (z2 + 1) / 4
		g2 = z * (5*z2*z2 + 16*z2 + 3) / 96
		g3 = z * (3*z2*z2*z2 + 19*z2*z2 + 17*z2 - 15) / 384
		g4 = z * (79*z2*z2*z2*z2 + 776*z2*z2*z2 + 1482*z2*z2 - 1920*z2 - 945) / 92160
	)
	return z + (g1+(g2+(g3+g4/freedom)/freedom)/freedom)/freedom
}

func TestQuantile975(t *testing.T) {
	t.Parallel()
	for freedom, want := range map[float64]float64{4: 2.776445, 10: 2.228139, 30: 2.042272, 100: 1.983972, 1e9: 1.959964} {
		assert.InDelta(t, want, quantile975(freedom), 1e-3, freedom)
	}
}

func TestEstimateOf(t *testing.T) {
	t.Parallel()
	outcomes := func(trace, passed, failed int, probability float64) (all []observation) {
		for i := range passed + failed {
			all = append(all, observation{trace: trace + i, passed: i < passed, probability: probability})
		}
		return all
	}
	plain := estimateOf(outcomes(0, 80, 20, 1))
	assert.InDelta(t, 0.8, plain.rate, 1e-12)
	// By hand: variance 0.16/99, 16²/8.32 degrees of freedom, quantile 2.040, log odds 1.3863 ± 0.5126.
	assert.InDelta(t, 0.7055, plain.low, 1e-4)
	assert.InDelta(t, 0.8698, plain.high, 1e-4)

	alike := estimateOf(outcomes(0, 80, 20, 0.01))
	assert.InDelta(t, plain.low, alike.low, 1e-12, "equal weights do not matter")

	weighted := estimateOf(append(outcomes(0, 10, 10, 0.05), outcomes(100, 0, 100, 1)...))
	assert.InDelta(t, 200.0/500, weighted.rate, 1e-12)

	var clustered []observation
	for i, one := range outcomes(0, 80, 20, 1) {
		one.trace = i / 5
		clustered = append(clustered, one)
	}
	inTraces := estimateOf(clustered)
	assert.Greater(t, inTraces.high-inTraces.low, 2*(plain.high-plain.low), "five that are always alike tell no more than one")
}
