package deliver

import (
	"errors"
	"fmt"
	"slices"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// ForwardRule selects assessments for first delivery. All keys that are set must hold.
type ForwardRule struct {
	// Names are names of assessments; any one may match. Empty: all.
	Names []string `mapstructure:"names"`
	// Passed selects by verdict; an assessment without a verdict matches neither value. Unset: all.
	Passed *bool `mapstructure:"passed"`
	// Sources are source types: CODE, LLM_JUDGE or HUMAN; any one may match. Empty: all.
	Sources []assessment.SourceType `mapstructure:"sources"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Validate implements confmap.Validator.
func (r *ForwardRule) Validate() error {
	if len(r.Names) == 0 && r.Passed == nil && len(r.Sources) == 0 {
		return errors.New("a `forward` rule needs at least one of `names`, `passed`, `sources`; " +
			"leave out `forward` to deliver everything")
	}
	for _, source := range r.Sources {
		switch source {
		case assessment.SourceTypeCode, assessment.SourceTypeLLMJudge, assessment.SourceTypeHuman:
		default:
			return fmt.Errorf("`sources`: %q is none of CODE, LLM_JUDGE, HUMAN", source)
		}
	}
	return nil
}

func (r *ForwardRule) matches(a *assessment.Assessment) bool {
	if len(r.Names) > 0 && !slices.Contains(r.Names, a.Name) {
		return false
	}
	if len(r.Sources) > 0 && !slices.Contains(r.Sources, a.Source.Type) {
		return false
	}
	return r.Passed == nil || a.Verdict == assessment.VerdictOf(*r.Passed)
}

// forward is a list of rules; the empty one takes everything.
type forward []ForwardRule

func (f forward) takes(a *assessment.Assessment) bool {
	return len(f) == 0 || slices.ContainsFunc(f, func(r ForwardRule) bool { return r.matches(a) })
}
