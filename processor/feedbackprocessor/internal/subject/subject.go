// Package subject knows what evaluators can be about: spans of some kinds, or whole traces.
package subject

import (
	"fmt"
	"slices"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// DefaultKinds are the kinds of spans that an evaluator sees which names none. Most exchanges stand on several spans of
// a trace, but on one of a model only.
func DefaultKinds() []genai.Kind { return []genai.Kind{genai.KindLLM} }

// spanKinds leaves out what is never a subject: spans that are not GenAI, and evaluators, ours included.
var spanKinds = []genai.Kind{
	genai.KindLLM, genai.KindAgent, genai.KindChain, genai.KindTool, genai.KindRetriever, genai.KindReranker,
	genai.KindEmbedding, genai.KindGuardrail,
}

// Validate checks `scope` and `kinds` of an evaluator.
func Validate(scope assessment.Scope, kinds []genai.Kind) error {
	switch scope {
	case assessment.ScopeTrace:
		if len(kinds) > 0 {
			return fmt.Errorf("`kinds` is %v, but selects spans: leave it out with `scope: trace`, and choose traces by `conditions` on their root span", kinds)
		}
		return nil
	case assessment.ScopeSpan:
	default:
		return fmt.Errorf("`scope` is %q: give span or trace", scope)
	}
	if len(kinds) == 0 {
		return fmt.Errorf("`kinds` is empty: give any of %v", spanKinds)
	}
	for _, kind := range kinds {
		if !slices.Contains(spanKinds, kind) {
			return fmt.Errorf("`kinds` has %q: give any of %v", kind, spanKinds)
		}
	}
	return nil
}

// Kinds are the kinds of subjects that an evaluator with a valid configuration sees.
func Kinds(scope assessment.Scope, kinds []genai.Kind) []genai.Kind {
	if scope == assessment.ScopeTrace {
		return []genai.Kind{genai.KindTrace}
	}
	return kinds
}
