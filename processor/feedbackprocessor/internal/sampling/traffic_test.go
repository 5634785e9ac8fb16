package sampling

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// ruleSet is a judge's sampling in the simulations.
type ruleSet struct {
	name  string
	rules []RuleConfig
}

const (
	premium = `resource.attributes["tier"] == "premium"`
	large   = `span.attributes["gen_ai.request.model"] == "large"`
	long    = `span.attributes["gen_ai.usage.input_tokens"] > 8000`
)

var ruleSets = []ruleSet{
	{name: "all alike", rules: []RuleConfig{{Name: "rest", Rate: 0.1}}},
	{name: "premium more", rules: []RuleConfig{
		{Name: "premium", Conditions: []string{premium}, Rate: 0.5},
		{Name: "rest", Rate: 0.05},
	}},
	{name: "failed checks all", rules: []RuleConfig{
		{Name: "failed", ChecksFailed: []string{"toxic", "compliance"}, Rate: 1},
		{Name: "rest", Rate: 0.05},
	}},
	{name: "many", rules: []RuleConfig{
		{Name: "failed and long", ChecksFailed: []string{"compliance"}, Conditions: []string{long}, Rate: 1},
		{Name: "large or long", Conditions: []string{large, long}, Rate: 0.2},
		{Name: "premium", Conditions: []string{premium}, Rate: 0.1},
		{Name: "rest", Rate: 0.05},
	}},
	{name: "not all", rules: []RuleConfig{
		{Name: "failed", ChecksFailed: []string{"compliance"}, Rate: 1},
		{Name: "large", Conditions: []string{large}, Rate: 0.25},
		{Name: "long", Conditions: []string{long}, Rate: 0.1},
	}},
}

// kind is what rules tell spans apart by.
type kind uint8

const (
	ofPremium kind = 1 << iota
	ofLarge
	isLong
	hasFailed
	kinds
)

// newKinds makes a span of each kind.
func newKinds() (all [kinds]*subject) {
	for i := range kinds {
		one := newSubject()
		tier, model, tokens := "free", "small", int64(700)
		if i&ofPremium != 0 {
			tier = "premium"
		}
		if i&ofLarge != 0 {
			model = "large"
		}
		if i&isLong != 0 {
			tokens = 9000
		}
		if i&hasFailed != 0 {
			one.failed = []string{"compliance"}
		}
		one.resource.Resource().Attributes().PutStr("tier", tier)
		one.span.Attributes().PutStr("gen_ai.request.model", model)
		one.span.Attributes().PutInt("gen_ai.usage.input_tokens", tokens)
		all[i] = one
	}
	return all
}

// newTrace makes the kinds of a trace's spans: tier and model are the trace's, the rest is each span's own.
func newTrace(random *rand.Rand) (spans [maxSpans]kind, n int) {
	bits := random.Uint64()
	var shared kind
	if bits&3 == 0 {
		shared |= ofPremium
	}
	if bits&4 != 0 {
		shared |= ofLarge
	}
	n = 1 + random.IntN(maxSpans)
	for i := range n {
		spans[i] = shared
		if own := bits >> (8 + 6*i); own&7 == 0 {
			spans[i] |= isLong
		}
		if own := bits >> (11 + 6*i); own&7 == 0 {
			spans[i] |= hasFailed
		}
	}
	return spans, n
}

const maxSpans = 5 // of a trace

// upstream is the sampler of an SDK or another collector, which keeps a quarter of its traces.
type upstream struct {
	name string
	// keep decides about a trace; tracestate is what its spans arrive with.
	keep func(id pcommon.TraceID, random *rand.Rand) (tracestate string, kept bool)
	// says is the probability that the tracestate tells of; without it, what arrives is all there is.
	says float64
}

const quarter = "ot=th:c"

// newUpstreams are all that may stand in front. Those of old SDKs keep low ids, some of the first half and some of the
// second, and tell nobody.
func newUpstreams(tb testing.TB) []upstream {
	tb.Helper()
	threshold, err := sampling.TValueToThreshold("c")
	require.NoError(tb, err)
	low := func(half []byte) bool { return binary.BigEndian.Uint64(half)>>1 < 1<<61 }
	return []upstream{
		{name: "none", says: 1, keep: func(pcommon.TraceID, *rand.Rand) (string, bool) {
			return "", true
		}},
		{name: "old SDK, first half", says: 1, keep: func(id pcommon.TraceID, _ *rand.Rand) (string, bool) {
			return "", low(id[:8])
		}},
		{name: "old SDK, second half", says: 1, keep: func(id pcommon.TraceID, _ *rand.Rand) (string, bool) {
			return "", low(id[8:])
		}},
		{name: "th by trace id", says: 0.25, keep: func(id pcommon.TraceID, _ *rand.Rand) (string, bool) {
			return quarter, threshold.ShouldSample(sampling.TraceIDToRandomness(id))
		}},
		{name: "th by rv", says: 0.25, keep: func(_ pcommon.TraceID, random *rand.Rand) (string, bool) {
			explicit, err := sampling.UnsignedToRandomness(random.Uint64() >> 8)
			if err != nil || !threshold.ShouldSample(explicit) {
				return "", false
			}
			return quarter + ";rv:" + explicit.RValue(), true
		}},
	}
}
