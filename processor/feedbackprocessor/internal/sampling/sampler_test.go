package sampling

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
)

func TestNewRefusesWhatIsNotValid(t *testing.T) {
	t.Parallel()
	_, err := New(DefaultCohort, []RuleConfig{
		{Name: "a", Conditions: []string{"nonsense", "span.nothing"}, Rate: 1},
		{Name: "b", Rate: 2},
	}, componenttest.NewNopTelemetrySettings())
	require.ErrorContains(t, err, `rule "a": condition "nonsense"`)
	require.ErrorContains(t, err, `rule "a": condition "span.nothing"`)
	require.ErrorContains(t, err, "rule \"b\": `rate` is 2")
}

func TestRules(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"a", "b"}, newSampler(t, RuleConfig{Name: "a", ChecksFailed: []string{"x"}, Rate: 1}, RuleConfig{Name: "b", Rate: 1}).Rules())
}

func TestFirstMatchDecides(t *testing.T) {
	t.Parallel()
	gold := `resource.attributes["tier"] == "gold"`
	rules := []RuleConfig{
		{Name: "failed gold", ChecksFailed: []string{"toxic", "compliance"}, Conditions: []string{gold}, Rate: 1},
		{Name: "failed", ChecksFailed: []string{"toxic"}, Rate: 0.5},
		{Name: "gold or long", Conditions: []string{gold, `span.attributes["gen_ai.usage.input_tokens"] > 1000`}, Rate: 0.25},
		{Name: "gpt", Conditions: []string{`IsMatch(span.attributes["gen_ai.request.model"], "^gpt")`}, Rate: 0.125},
	}
	tests := []struct {
		name    string
		tier    string
		tokens  int64
		model   string
		failed  []string
		rule    string
		stratum string
		rate    float64
	}{
		{name: "both keys", tier: "gold", failed: []string{"compliance"}, rule: "failed gold", stratum: StratumTriggered, rate: 1},
		{name: "both keys before one", tier: "gold", failed: []string{"toxic"}, rule: "failed gold", stratum: StratumTriggered, rate: 1},
		{name: "one of the keys", tier: "free", failed: []string{"other", "toxic"}, rule: "failed", stratum: StratumTriggered, rate: 0.5},
		{name: "failed check of another rule", tier: "free", failed: []string{"compliance"}},
		{name: "first condition", tier: "gold", rule: "gold or long", stratum: StratumRandom, rate: 0.25},
		{name: "second condition", tier: "free", tokens: 1001, rule: "gold or long", stratum: StratumRandom, rate: 0.25},
		{name: "failed check does not hide later rules", tier: "gold", failed: []string{"other"}, rule: "gold or long", stratum: StratumRandom, rate: 0.25},
		{name: "last", model: "gpt-5", rule: "gpt", stratum: StratumRandom, rate: 0.125},
		{name: "none", tier: "free", tokens: 10, model: "claude"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			one := newSubject(tt.failed...)
			one.resource.Resource().Attributes().PutStr("tier", tt.tier)
			one.span.Attributes().PutInt("gen_ai.usage.input_tokens", tt.tokens)
			one.span.Attributes().PutStr("gen_ai.request.model", tt.model)
			got := decide(newSampler(t, rules...), one)
			assert.Equal(t, tt.rule, got.Rule)
			assert.Equal(t, tt.stratum, got.Stratum)
			assert.InDelta(t, tt.rate, got.Probability, 0)
			if tt.rule == "" {
				assert.Equal(t, Decision{}, got)
				assert.Zero(t, one.drawn, "who is under no rule is not drawn for")
			}
		})
	}
}

func TestPartsAreAskedForWhereNeeded(t *testing.T) {
	t.Parallel()
	sampler := newSampler(t,
		RuleConfig{Name: "failed long", ChecksFailed: []string{"toxic"}, Conditions: []string{"span.dropped_events_count > 9"}, Rate: 1},
		RuleConfig{Name: "rest", Rate: 1})
	calm, failed := newSubject(), newSubject("toxic")
	assert.Equal(t, "rest", decide(sampler, calm).Rule)
	assert.Zero(t, calm.asked, "a check decides before OTTL")
	assert.Equal(t, "rest", decide(sampler, failed).Rule)
	assert.Equal(t, 1, failed.asked)
	assert.Equal(t, 1, failed.drawn)
}

func TestFailedConditionDoesNotMatch(t *testing.T) {
	t.Parallel()
	const fails = `Len(span.attributes["absent"]) > 1`
	sampler := newSampler(t,
		RuleConfig{Name: "broken", Conditions: []string{fails}, Rate: 1},
		RuleConfig{Name: "half broken", Conditions: []string{fails, `span.attributes["gold"] == true`}, Rate: 0.5},
		RuleConfig{Name: "rest", Rate: 0.1})
	var failures []Failure
	collect := func(failure Failure) { failures = append(failures, failure) }

	assert.Equal(t, "rest", sampler.Decide(t.Context(), newSubject(), collect).Rule)
	assert.Equal(t, []Failure{
		{Rule: "broken", Condition: fails, First: true},
		{Rule: "half broken", Condition: fails, First: true},
	}, failures)

	failures = nil
	one := newSubject()
	one.span.Attributes().PutBool("gold", true)
	assert.Equal(t, "half broken", sampler.Decide(t.Context(), one, collect).Rule, "its alternative may match")
	assert.Equal(t, []Failure{{Rule: "broken", Condition: fails}, {Rule: "half broken", Condition: fails}}, failures)
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	sampler := newSampler(t, RuleConfig{Name: "named", Conditions: []string{`Len(span.name) < 0 or Len(span.attributes["absent"]) > 1`}, Rate: 1}, RuleConfig{Name: "rest", Rate: 0.5})
	firsts := make([]int, 4)
	var all sync.WaitGroup
	for i := range firsts {
		all.Go(func() {
			one, random := newSubject(), rand.New(rand.NewPCG(uint64(i), 0))
			for range 1000 {
				sampler.Decide(t.Context(), one.at(randomID(random), ""), func(failure Failure) {
					if failure.First {
						firsts[i]++
					}
				})
			}
		})
	}
	all.Wait()
	assert.Equal(t, 1, firsts[0]+firsts[1]+firsts[2]+firsts[3])
}
