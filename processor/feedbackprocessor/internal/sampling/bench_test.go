package sampling

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// newTypicalSubject has as many attributes as a GenAI span with content.
func newTypicalSubject() *subject {
	one := newSubject()
	for i, key := range []string{"service.name", "service.version", "deployment.environment.name", "host.name", "telemetry.sdk.name", "telemetry.sdk.language", "k8s.pod.name"} {
		one.resource.Resource().Attributes().PutStr(key, strconv.Itoa(i))
	}
	one.resource.Resource().Attributes().PutStr("tier", "free")
	for i, key := range []string{
		"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.conversation.id", "gen_ai.input.messages", "gen_ai.output.messages",
		"gen_ai.request.temperature", "gen_ai.response.id", "gen_ai.response.finish_reasons", "server.address", "user.id",
	} {
		one.span.Attributes().PutStr(key, strconv.Itoa(i))
	}
	one.span.Attributes().PutStr("gen_ai.request.model", "gpt-4.1")
	one.span.Attributes().PutInt("gen_ai.usage.input_tokens", 700)
	one.span.SetName("chat gpt-4.1")
	return one
}

// typicalRules are n rules of which the last matches, with the conditions that people write.
func typicalRules(n int) []RuleConfig {
	conditions := []string{
		`resource.attributes["tier"] == "premium"`,
		`span.attributes["gen_ai.request.model"] == "gpt-5"`,
		`span.attributes["gen_ai.usage.input_tokens"] > 8000`,
		`span.attributes["experiment"] == "b"`,
		`span.name == "chat gpt-5"`,
		`resource.attributes["service.name"] == "checkout" and span.attributes["user.id"] == "42"`,
	}
	rules := make([]RuleConfig, 0, n)
	for i := range n - 1 {
		rules = append(rules, RuleConfig{Name: fmt.Sprint("rule ", i), Conditions: []string{conditions[i%len(conditions)]}, Rate: 0.5})
	}
	return append(rules, RuleConfig{Name: "rest", Rate: 0.05})
}

// BenchmarkRules decides about one span that only the last rule matches.
func BenchmarkRules(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			ctx, sampler, one := context.Background(), newSampler(b, typicalRules(n)...), newTypicalSubject()
			b.ReportAllocs()
			for b.Loop() {
				one.draws.Turn(one.span)
				sampler.Decide(ctx, one, unexpected)
			}
		})
	}
}

// BenchmarkCondition is what OTTL itself takes for one condition.
func BenchmarkCondition(b *testing.B) {
	for _, rule := range typicalRules(7)[:6] {
		b.Run(rule.Conditions[0], func(b *testing.B) {
			ctx, condition, one := context.Background(), newSampler(b, rule).rules[0].conditions[0], newTypicalSubject()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := condition.Eval(ctx, one.ottl); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDraw(b *testing.B) {
	for _, tracestate := range []string{"", "ot=rv:6e6d1a75832a2f;th:8"} {
		b.Run("tracestate="+tracestate, func(b *testing.B) {
			span := newSpan(pcommon.TraceID{1}, tracestate)
			b.ReportAllocs()
			for b.Loop() {
				NewDraw(DefaultCohort, span)
			}
		})
	}
}

// TestDecidingAllocatesNothing leaves out what OTTL allocates for the values it compares.
func TestDecidingAllocatesNothing(t *testing.T) {
	sampler := newSampler(t,
		RuleConfig{Name: "failed", ChecksFailed: []string{"toxic"}, Rate: 1},
		RuleConfig{Name: "client", Conditions: []string{`span.attributes["experiment"] == "b"`}, Rate: 1},
		RuleConfig{Name: "rest", Rate: 0.05})
	one, counted := newTypicalSubject(), 0
	one.at(pcommon.TraceID{1}, "ot=rv:6e6d1a75832a2f;th:8")
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		one.draws.Turn(one.span)
		sampler.Decide(t.Context(), one, func(Failure) { counted++ })
	}))
	assert.Zero(t, counted)
}
