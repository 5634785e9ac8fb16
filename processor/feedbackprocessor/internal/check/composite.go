package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// detailsRationale is the key beside the parts in the details of a composite's value.
const detailsRationale = "rationale"

func (c *Config) validateComposite(r ruleConfig) error {
	var errs []error
	for _, kind := range r.kinds {
		errs = append(errs, fmt.Errorf("`%s` and `parts` exclude each other: give exactly one of them", kind.key()))
	}
	if len(c.Parts) == 0 {
		errs = append(errs, errors.New("`parts` is empty: give at least one part"))
	}
	if _, ok := c.Parts[detailsRationale]; ok {
		errs = append(errs, errors.New("`parts` has \"rationale\", which is the list of explanations in the value: give the part another name"))
	}
	if c.Explain != "" {
		errs = append(errs, errors.New("`explain` stands in the parts: a composite that does not pass says what they explain"))
	}
	if c.Expect != nil {
		errs = append(errs, errors.New("`expect` stands in the parts: a composite passes when all of them pass"))
	}
	if _, err := newExplanation(c.ExplainPassed, "parts", nil); err != nil {
		errs = append(errs, fmt.Errorf("`explain_passed`: %w", err))
	}
	for i, name := range c.Order {
		if _, ok := c.Parts[name]; !ok {
			errs = append(errs, fmt.Errorf("`order` has %q, which is no part: give names of `parts`", name))
		}
		if slices.Contains(c.Order[:i], name) {
			errs = append(errs, fmt.Errorf("`order` has %q twice", name))
		}
	}
	return errors.Join(errs...)
}

// partOrder is the order of parts in details and rationale, as Config.Order documents it.
func (c *Config) partOrder() []string {
	rank := func(name string) int {
		if i := slices.Index(c.Order, name); i >= 0 {
			return i
		}
		return len(c.Order)
	}
	forbidden := func(name string) int {
		if r := c.Parts[name].rule(); r.expects() {
			return 0
		}
		return 1
	}
	kindRank := func(name string) int {
		return slices.Index(kindOrder, c.Parts[name].rule().kinds[0].key())
	}
	return slices.SortedFunc(maps.Keys(c.Parts), func(a, b string) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(forbidden(a), forbidden(b)),
			cmp.Compare(kindRank(a), kindRank(b)),
			cmp.Compare(a, b),
		)
	})
}

// part is a compiled part of a composite.
type part struct {
	rule
	name string
	// key is the part's key in the details, with quotes and colon.
	key string
	// explainJSON is the explanation as JSON where it is always the same.
	explainJSON string
}

// composite is a check with parts.
type composite struct {
	parts []part
	// scores are the texts of overall_score by the number of parts that pass.
	scores []string
	// passed is the one result in which all parts pass.
	passed Result
	// reads are the parts of an interaction that some part of the check reads.
	reads []genai.Part
}

func newComposite(cfg *Config, set component.TelemetrySettings) (*composite, error) {
	c := &composite{}
	for _, name := range cfg.partOrder() {
		partRule := cfg.Parts[name].rule()
		partRule.target = cmp.Or(partRule.target, cfg.Target)
		compiled, err := partRule.compile(set)
		if err != nil {
			return nil, fmt.Errorf("part %q: %w", name, err)
		}
		p := part{rule: compiled, name: name, key: string(assessment.String(name)) + ":"}
		if text, ok := compiled.explain.constant(); ok {
			p.explainJSON = string(assessment.String(text))
		}
		c.parts = append(c.parts, p)
		if target := compiled.target; target >= 0 && !slices.Contains(c.reads, targets[target]) {
			c.reads = append(c.reads, targets[target])
		}
	}
	n := len(c.parts)
	for i := range n + 1 {
		c.scores = append(c.scores, string(assessment.Float(float64(i)/float64(n))))
	}
	explainPassed, err := newExplanation(cfg.ExplainPassed, "parts", nil)
	if err != nil {
		return nil, fmt.Errorf("`explain_passed`: %w", err)
	}
	rationale, failed := explainPassed.text(&input{})
	if failed != nil {
		return nil, errors.New(failed.Message)
	}
	value := append(c.appendDetails(nil, make([]bool, n), 0), "]}}"...)
	c.passed = Result{Value: assessment.Value(value), Verdict: assessment.VerdictPassed, Rationale: rationale}
	return c, nil
}

func (c *composite) needs() []genai.Part { return c.reads }

func (c *composite) identity() any {
	identity := []any{"composite", c.passed.Rationale}
	for i := range c.parts {
		identity = append(identity, c.parts[i].name, c.parts[i].identity())
	}
	return identity
}

func (c *composite) run(ctx context.Context, in *input) (Result, genai.State) {
	in.failed, in.rationale, in.list = in.failed[:0], in.rationale[:0], in.list[:0]
	failures := 0
	for i := range c.parts {
		p := &c.parts[i]
		state, failed := p.test(ctx, in)
		if state != genai.StateText {
			return Result{}, state
		}
		passed := in.facts.holds == p.expect
		if failed == nil && !passed {
			failures++
			failed = in.addExplanation(p)
		}
		if failed != nil {
			failed.Message = fmt.Sprintf("part %q: %s", p.name, failed.Message)
			return Result{Error: failed}, state
		}
		in.failed = append(in.failed, !passed)
	}
	if failures == 0 {
		return c.passed, genai.StateText
	}
	in.value = append(c.appendDetails(in.value[:0], in.failed, failures), in.list...)
	in.value = append(in.value, "]}}"...)
	return Result{
		Value:     assessment.Value(in.value),
		Verdict:   assessment.VerdictFailed,
		Rationale: string(in.rationale),
	}, genai.StateText
}

// addExplanation adds what a part that did not pass explains to the rationale and to the list of rationales.
func (in *input) addExplanation(p *part) *assessment.Error {
	if p.explain == nil {
		return nil
	}
	if len(in.list) > 0 {
		in.rationale, in.list = append(in.rationale, "; "...), append(in.list, ',')
	}
	start := len(in.rationale)
	var failed *assessment.Error
	if in.rationale, failed = p.explain.append(in.rationale, &in.facts); failed != nil {
		return failed
	}
	switch text := in.rationale[start:]; {
	case p.explainJSON != "":
		in.list = append(in.list, p.explainJSON...)
	case isPlain(text):
		in.list = append(append(append(in.list, '"'), text...), '"')
	default:
		in.list = append(in.list, assessment.String(string(text))...)
	}
	return nil
}

// isPlain reports whether text needs no escapes in JSON.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendDetails appends the value up to the elements of its list of rationales.
func (c *composite) appendDetails(dst []byte, failed []bool, failures int) []byte {
	dst = append(append(dst, `{"overall_score":`...), c.scores[len(c.parts)-failures]...)
	dst = append(dst, `,"details":{`...)
	for i := range c.parts {
		dst = append(append(dst, c.parts[i].key...), assessment.Bool(c.parts[i].expect != failed[i])...)
		dst = append(dst, ',')
	}
	return append(dst, `"`+detailsRationale+`":[`...)
}
