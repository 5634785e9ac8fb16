package review

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func TestRuleValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Rule)
		errs   []string
	}{
		{"no condition", func(r *Rule) { r.ChecksFailed = nil }, []string{"the rule has no condition: give `checks_failed`"}},
		{"rate beside a condition", func(r *Rule) { r.Rate = 0.1 }, []string{"`rate` is a share of all traces and stands alone"}},
		{"rate without schemas", func(r *Rule) { r.ChecksFailed, r.Rate = nil, 0.1 }, []string{"`label_schemas` is missing"}},
		{"rate above 1", func(r *Rule) { r.Rate = 1.5 }, []string{"`rate` is 1.5: give a share above 0 and at most 1"}},
		{"rate below 0", func(r *Rule) { r.Rate = -0.5 }, []string{"`rate` is -0.5"}},
		{"rate that is no number", func(r *Rule) { r.Rate = math.NaN() }, []string{"`rate` is NaN"}},
		{"max_pending too small", func(r *Rule) { r.MaxPending = 0 }, []string{"`max_pending` is 0, must be 1 to 50000"}},
		{"max_pending too large", func(r *Rule) { r.MaxPending = 50_001 }, []string{"`max_pending` is 50001"}},
		{
			"blank names", func(r *Rule) { r.ChecksFailed, r.Users = []string{" "}, []string{""} },
			[]string{"`checks_failed` holds a name that is blank", "`users` holds a name that is blank"},
		},
		{
			"long names", func(r *Rule) { r.JudgesBelow = map[string]float64{strings.Repeat("x", 251): 1} },
			[]string{"`judges_below` holds a name that is blank or longer than 250 characters"},
		},
		{"no number", func(r *Rule) { r.JudgesBelow = map[string]float64{"j": math.Inf(1)} }, []string{"`judges_below` has +Inf for \"j\""}},
		{"MLflow's question", func(r *Rule) { r.ChecksFailed = []string{"feedback"} }, []string{"a label schema cannot be called Feedback"}},
		{"MLflow's question is not asked", func(r *Rule) {
			r.ChecksFailed, r.LabelSchemas = []string{"feedback"}, []string{"ok"}
		}, nil},
		{"rate", func(r *Rule) { r.ChecksFailed, r.Rate, r.LabelSchemas = nil, 0.01, []string{"ok"} }, nil},
		{"as it is", func(*Rule) {}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rule := &Rule{Enabled: true, MaxPending: 10, ChecksFailed: []string{"c"}}
			tt.change(rule)
			err := rule.Validate()
			if len(tt.errs) == 0 {
				require.NoError(t, err)
			}
			for _, text := range tt.errs {
				require.ErrorContains(t, err, text)
			}
		})
	}
	assert.NoError(t, (*Rule)(nil).Validate())
}

func TestValidateRules(t *testing.T) {
	t.Parallel()
	many := strings.Split("a b c d e f g h", " ")
	tests := []struct {
		name  string
		rules map[string]*Rule
		err   string
	}{
		{"nameless", map[string]*Rule{" ": {Queue: "q"}}, "`review` has a rule named \" \", blank or 1 bytes long"},
		{"long name", map[string]*Rule{strings.Repeat("n", 101): {}}, "101 bytes long: give it a name of 1 to 100"},
		{"MLflow's queue", map[string]*Rule{"r": {Queue: "Default"}}, "`review::r::queue` is \"Default\": give a name of 1 to 250 characters other than \"default\""},
		{"MLflow's queue by the rule's name", map[string]*Rule{"default": {}}, "`review::default::queue` is \"default\""},
		{"too many users of a queue together", map[string]*Rule{
			"r": {Queue: "Q", Users: many}, "s": {Queue: "q", Users: []string{"x", "y", "z"}},
		}, "`review::s::users`: queue \"q\" has 11 reviewers, MLflow takes at most 10"},
		{"one user in two cases", map[string]*Rule{"r": {Users: append(slices.Clone(many), "A", "B", "C")}}, ""},
		{"removed", map[string]*Rule{"default": nil}, ""},
		{"none", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := ValidateRules(tt.rules); tt.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.err)
			}
		})
	}
}

func TestRuleUnmarshal(t *testing.T) {
	t.Parallel()
	var config struct {
		Review map[string]*Rule `mapstructure:"review"`
	}
	conf := confmap.NewFromStringMap(map[string]any{"review": map[string]any{
		"a": map[string]any{"checks_failed": []any{"c"}},
		"b": map[string]any{"enabled": false, "max_pending": 5, "judges_below": map[string]any{"j": 0.5}},
	}})
	require.NoError(t, conf.Unmarshal(&config))
	assert.Equal(t, &Rule{Enabled: true, MaxPending: 1000, ChecksFailed: []string{"c"}}, config.Review["a"])
	assert.Equal(t, &Rule{MaxPending: 5, JudgesBelow: map[string]float64{"j": 0.5}}, config.Review["b"])
	require.ErrorContains(t, confmap.NewFromStringMap(map[string]any{"review": map[string]any{"a": map[string]any{"check_failed": "c"}}}).
		Unmarshal(&config), "check_failed")
}
