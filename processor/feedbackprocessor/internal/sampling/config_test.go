package sampling

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

func TestRuleConfigValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		rule RuleConfig
		want string
	}{
		{name: "no name", rule: RuleConfig{Rate: 1}, want: "`name` is missing"},
		{name: "blank name", rule: RuleConfig{Name: " ", Rate: 1}, want: "`name` is \" \", blank or 1 bytes long: give 1 to 100"},
		{name: "long name", rule: RuleConfig{Name: strings.Repeat("n", 101), Rate: 1}, want: "101 bytes long: give 1 to 100"},
		{name: "no rate", rule: RuleConfig{Name: "rest"}, want: "`rate` is 0: give a share above 0 and at most 1"},
		{name: "negative rate", rule: RuleConfig{Name: "rest", Rate: -0.1}, want: "`rate` is -0.1"},
		{name: "rate above one", rule: RuleConfig{Name: "rest", Rate: 1.01}, want: "`rate` is 1.01"},
		{name: "rate that never draws", rule: RuleConfig{Name: "rest", Rate: 1e-17}, want: "`rate` is 1e-17"},
		{name: "rate is no number", rule: RuleConfig{Name: "rest", Rate: math.NaN()}, want: "`rate` is NaN"},
		{name: "smallest rate", rule: RuleConfig{Name: "rest", Rate: 0x1p-56}},
		{name: "longest name", rule: RuleConfig{Name: strings.Repeat("n", 100), Rate: 1e-9}},
		{name: "everything", rule: RuleConfig{Name: "rest", Rate: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.rule.Validate()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestValidateCohort(t *testing.T) {
	t.Parallel()
	require.NoError(t, ValidateCohort(DefaultCohort))
	require.NoError(t, ValidateCohort(strings.Repeat("c", 100)))
	require.ErrorContains(t, ValidateCohort("\t"), "`cohort` is \"\\t\", blank or 1 bytes long: judges of one cohort see the same subjects")
	require.ErrorContains(t, ValidateCohort(strings.Repeat("c", 101)), "blank or 101 bytes long")
}

func TestValidateRules(t *testing.T) {
	t.Parallel()
	const condition = `span.attributes["tier"] == "gold"`
	tests := []struct {
		name   string
		rules  []RuleConfig
		checks []string
		want   []string
	}{
		{name: "none"},
		{name: "one for all", rules: []RuleConfig{{Name: "all"}}},
		{
			name: "each kind, the unconditional last",
			rules: []RuleConfig{
				{Name: "failed", ChecksFailed: []string{"compliance", "toxic"}},
				{Name: "gold", Conditions: []string{condition, `span.name == "x"`}},
				{Name: "both", Conditions: []string{condition}, ChecksFailed: []string{"toxic"}},
				{Name: "rest"},
			},
			checks: []string{"compliance", "toxic"},
		},
		{name: "empty lists are none", rules: []RuleConfig{{Name: "a", Conditions: []string{}, ChecksFailed: []string{}}, {Name: "b"}}, want: []string{
			"`sampling` rule \"b\" is never asked: rule \"a\" before it matches every subject, put that one last",
		}},
		{name: "behind an unconditional one", rules: []RuleConfig{{Name: "gold", Conditions: []string{condition}}, {Name: "a"}, {Name: "b"}, {Name: "c", Conditions: []string{condition}}}, want: []string{
			"`sampling` rule \"b\" is never asked: rule \"a\" before it matches every subject, put that one last",
			"`sampling` rule \"c\" is never asked: rule \"a\" before it matches every subject, put that one last",
		}},
		{name: "name given three times", rules: []RuleConfig{{Name: "a", Conditions: []string{condition}}, {Name: "a", Conditions: []string{condition}}, {Name: "a"}}, want: []string{
			"`sampling` has more than one rule \"a\": results tell rules apart by name, rename them",
		}},
		{name: "names missing", rules: []RuleConfig{{Conditions: []string{condition}}, {}}},
		{name: "unknown check", rules: []RuleConfig{{Name: "a", ChecksFailed: []string{"compliance", "toxik"}}}, checks: []string{"compliance", "toxic"}, want: []string{
			"`sampling` rule \"a\": `checks_failed` has \"toxik\", which is no check of the judge's subjects: known are compliance, toxic",
		}},
		{name: "no checks at all", rules: []RuleConfig{{Name: "a", ChecksFailed: []string{"toxic"}}}, want: []string{
			"`sampling` rule \"a\": `checks_failed` has \"toxic\", which is no check of the judge's subjects: there are none",
		}},
		{name: "path without its context", rules: []RuleConfig{{Name: "a", Conditions: []string{condition, `name == "x"`}}}, want: []string{
			"`sampling` rule \"a\": condition \"name == \\\"x\\\"\": missing context name for path \"name\"",
		}},
		{name: "all at once", checks: []string{"toxic"}, rules: []RuleConfig{{Name: "a", Conditions: []string{"span.", ""}}, {Name: "b"}, {Name: "a", ChecksFailed: []string{"x"}}}, want: []string{
			"`sampling` has more than one rule \"a\"",
			"`sampling` rule \"a\" is never asked: rule \"b\" before it",
			"`checks_failed` has \"x\"",
			"`sampling` rule \"a\": condition \"span.\": condition has invalid syntax",
			"`sampling` rule \"a\": condition \"\": condition has invalid syntax",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := ValidateRules(tt.rules, tt.checks)
			if len(tt.want) == 0 {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(tt.want))
			for i, want := range tt.want {
				assert.Contains(t, lines[i], want)
			}
		})
	}
}

// section is a configuration with rules, as a judge's is.
type section struct {
	Sampling []RuleConfig `mapstructure:"sampling"`
}

func (s *section) Validate() error { return ValidateRules(s.Sampling, nil) }

func TestEverythingIsReportedOnce(t *testing.T) {
	t.Parallel()
	conf := confmap.NewFromStringMap(map[string]any{"sampling": []any{
		map[string]any{"name": "failed", "checks_failed": []any{"toxic"}, "rate": 2},
		map[string]any{"name": "gold", "conditions": []any{"nonsense"}, "rate": 0.5},
		map[string]any{"rate": 0.05},
	}})
	var loaded section
	require.NoError(t, conf.Unmarshal(&loaded))
	err := confmap.Validate(&loaded)
	for _, want := range []string{
		"sampling::0: `rate` is 2", "`checks_failed` has \"toxic\"", "rule \"gold\": condition \"nonsense\"", "sampling::2: `name` is missing",
	} {
		require.ErrorContains(t, err, want)
		assert.Equal(t, 1, strings.Count(err.Error(), want), want)
	}
}

func FuzzValidateRules(f *testing.F) {
	for _, seed := range []string{`span.name == "x"`, `resource.attributes["a"]["b"] != nil`, `IsMatch(span.name, "(")`, "", "not true", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, condition string) {
		rules := []RuleConfig{{Name: "a", Conditions: []string{condition}, Rate: 1}}
		sampler, err := New(DefaultCohort, rules, componenttest.NewNopTelemetrySettings())
		require.Equal(t, err == nil, ValidateRules(rules, nil) == nil, "what is valid compiles")
		if err == nil {
			sampler.Decide(t.Context(), newSubject(), func(Failure) {})
		}
	})
}
