package review

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/confmap"
)

// Bounds of what MLflow takes, and of ours.
const (
	maxName       = 250
	maxUsers      = 10
	maxRuleName   = 100
	maxMaxPending = 50_000

	defaultMaxPending = 1000
)

// Names that MLflow keeps for itself, in any case.
const (
	reservedQueue  = "default"
	reservedSchema = "feedback"
)

// Rule is one entry of `review`, by its name. It holds for a trace where any of its conditions does; a condition that has
// several names holds where it does for any of them. An assessment that is deleted, withdrawn or overridden counts no
// longer. A trace is put into a rule's queue once, even if somebody removes it from there; one that was answered there for
// another rule is set back to pending.
type Rule struct {
	// Enabled turns the rule on. Default true.
	Enabled bool `mapstructure:"enabled"`
	// Queue is the name of MLflow's review queue, of which each experiment has one of its own; MLflow ignores its case.
	// Default: the rule's name. A queue that is missing is created, one that exists is left as it is.
	Queue string `mapstructure:"queue"`
	// Users are the reviewers of a queue that is created, at most 10, as MLflow calls them. Default none: everybody.
	Users []string `mapstructure:"users"`
	// LabelSchemas are the names of the questions of a queue that is created; their answers are HUMAN feedback of these
	// names. Those that are missing are created: pass or fail where such an assessment is a boolean or passes and fails,
	// a number or a text where it is one. Default: the names in the rule's conditions.
	LabelSchemas []string `mapstructure:"label_schemas"`
	// MaxPending bounds the traces of the queue that wait for an answer, 1 to 50000; as long as there are so many, a trace
	// is not put there, but counted. Default 1000.
	MaxPending int `mapstructure:"max_pending"`

	// ChecksFailed are names of CODE feedback; one that failed.
	ChecksFailed []string `mapstructure:"checks_failed"`
	// JudgesFailed are names of judges; a verdict that failed, by the judge's `pass_when` or as a boolean.
	JudgesFailed []string `mapstructure:"judges_failed"`
	// JudgesBelow are numbers by the names of judges; a verdict that is a number below it. A boolean counts as 1 or 0.
	JudgesBelow map[string]float64 `mapstructure:"judges_below"`
	// PanelDisagreed are names of judges with several models; a verdict on which their votes differ.
	PanelDisagreed []string `mapstructure:"panel_disagreed"`
	// JudgeAndPersonDisagree are names of judges; a person's feedback of that name that says something else: an override, or
	// one of another person's override, or another one on the same span or trace.
	JudgeAndPersonDisagree []string `mapstructure:"judge_and_person_disagree"`
	// ThumbsDown are names of people's feedback; one that is false, a number not above 0, or a word such as "down" or "no".
	ThumbsDown []string `mapstructure:"thumbs_down"`
	// Rate is a random share of all traces that have assessments, in (0, 1], instead of the conditions; the same traces on
	// every replica. `label_schemas` must say then what is asked.
	Rate float64 `mapstructure:"rate"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator   = (*Rule)(nil)
	_ confmap.Unmarshaler = (*Rule)(nil)
)

// Unmarshal implements confmap.Unmarshaler: it sets the defaults.
func (r *Rule) Unmarshal(conf *confmap.Conf) error {
	*r = Rule{Enabled: true, MaxPending: defaultMaxPending}
	return conf.Unmarshal(r)
}

// Validate implements confmap.Validator. What depends on the rule's name, or on other rules, is for ValidateRules.
func (r *Rule) Validate() error {
	if r == nil {
		return nil
	}
	var errs []error
	if r.MaxPending < 1 || r.MaxPending > maxMaxPending {
		errs = append(errs, fmt.Errorf("`max_pending` is %d, must be 1 to %d", r.MaxPending, maxMaxPending))
	}
	conditions := r.names()
	rate := r.Rate != 0
	switch {
	case rate && !(r.Rate >= sampling.MinSamplingProbability && r.Rate <= 1): // refuses NaN, too
		errs = append(errs, fmt.Errorf("`rate` is %v: give a share above 0 and at most 1, such as 0.01", r.Rate))
	case rate && len(conditions) > 0:
		errs = append(errs, errors.New("`rate` is a share of all traces and stands alone: give it a rule of its own, without conditions"))
	case rate && len(r.LabelSchemas) == 0:
		errs = append(errs, errors.New("`label_schemas` is missing: a rule with `rate` is about no assessment, so say what is asked"))
	case !rate && len(conditions) == 0:
		errs = append(errs, errors.New("the rule has no condition: give `checks_failed`, `judges_failed`, `judges_below`, "+
			"`panel_disagreed`, `judge_and_person_disagree`, `thumbs_down` or `rate`"))
	}
	for key, names := range map[string][]string{
		"checks_failed": r.ChecksFailed, "judges_failed": r.JudgesFailed, "panel_disagreed": r.PanelDisagreed,
		"judge_and_person_disagree": r.JudgeAndPersonDisagree, "thumbs_down": r.ThumbsDown,
		"judges_below": slices.Collect(maps.Keys(r.JudgesBelow)), "label_schemas": r.LabelSchemas, "users": r.Users,
	} {
		if slices.ContainsFunc(names, func(name string) bool { return !validName(name) }) {
			errs = append(errs, fmt.Errorf("`%s` holds a name that is blank or longer than %d characters", key, maxName))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.JudgesBelow)) {
		if limit := r.JudgesBelow[name]; math.IsNaN(limit) || math.IsInf(limit, 0) {
			errs = append(errs, fmt.Errorf("`judges_below` has %v for %q, must be a number such as 0.5", limit, name))
		}
	}
	if slices.ContainsFunc(r.schemas(), reserved) {
		errs = append(errs, errors.New("a label schema cannot be called Feedback, which is MLflow's own: name others in `label_schemas`"))
	}
	return errors.Join(errs...)
}

func reserved(schema string) bool {
	return strings.EqualFold(strings.TrimSpace(schema), reservedSchema)
}

func validName(name string) bool {
	return strings.TrimSpace(name) != "" && utf8.RuneCountInString(name) <= maxName
}

// names are those of the assessments that the conditions are about, in the order of the keys, each once.
func (r *Rule) names() []string {
	var names []string
	for _, condition := range r.conditions() {
		names = union(names, condition.names)
	}
	return names
}

// schemas are the names of the questions.
func (r *Rule) schemas() []string {
	if len(r.LabelSchemas) > 0 {
		return union(nil, r.LabelSchemas)
	}
	return r.names()
}

// union appends what list has and names has not.
func union(names, list []string) []string {
	for _, name := range list {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// ValidateRules checks what a rule cannot say of itself alone. Rules that are nil were removed.
func ValidateRules(rules map[string]*Rule) error {
	var errs []error
	users := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[name]
		if rule == nil {
			continue
		}
		if strings.TrimSpace(name) == "" || len(name) > maxRuleName {
			errs = append(errs, fmt.Errorf("`review` has a rule named %.20q, blank or %d bytes long: give it a name of 1 to %d",
				name, len(name), maxRuleName))
		}
		queue := strings.TrimSpace(cmp.Or(rule.Queue, name))
		if !validName(queue) || strings.EqualFold(queue, reservedQueue) {
			errs = append(errs, fmt.Errorf("`review::%s::queue` is %.20q: give a name of 1 to %d characters other than %q, which "+
				"is MLflow's own", name, queue, maxName, reservedQueue))
		}
		key := strings.ToLower(queue)
		if users[key] = union(users[key], lower(rule.Users)); len(users[key]) > maxUsers {
			errs = append(errs, fmt.Errorf("`review::%s::users`: queue %q has %d reviewers, MLflow takes at most %d",
				name, queue, len(users[key]), maxUsers))
		}
	}
	return errors.Join(errs...)
}

// lower is how MLflow spells users.
func lower(users []string) []string {
	spelled := make([]string, len(users))
	for i, user := range users {
		spelled[i] = strings.ToLower(strings.TrimSpace(user))
	}
	return spelled
}
