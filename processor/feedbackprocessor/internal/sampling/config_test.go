package sampling

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRuleConfigValidate(t *testing.T) {
	tests := []struct {
		name string
		rule RuleConfig
		want string
	}{
		{name: "no name", rule: RuleConfig{Rate: 1}, want: "`name` is missing"},
		{name: "no rate", rule: RuleConfig{Name: "rest"}, want: "`rate` is 0"},
		{name: "negative rate", rule: RuleConfig{Name: "rest", Rate: -0.1}, want: "`rate` is -0.1"},
		{name: "rate above one", rule: RuleConfig{Name: "rest", Rate: 1.01}, want: "`rate` is 1.01"},
		{name: "rate is no number", rule: RuleConfig{Name: "rest", Rate: math.NaN()}, want: "`rate` is NaN"},
		{name: "smallest rate", rule: RuleConfig{Name: "rest", Rate: 1e-9}},
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

func TestValidateRules(t *testing.T) {
	t.Parallel()
	require.NoError(t, ValidateRules(nil))
	require.NoError(t, ValidateRules([]RuleConfig{{Name: "a", Rate: 1}}))
	err := ValidateRules([]RuleConfig{{Name: "a", Rate: 1}, {Name: "b", Rate: 1}, {Name: "c", Rate: 1}})
	assert.EqualError(t, err, "`sampling` rule \"b\" is never asked: rule \"a\" before it matches every subject, remove one of them\n"+
		"`sampling` rule \"c\" is never asked: rule \"a\" before it matches every subject, remove one of them")
}
