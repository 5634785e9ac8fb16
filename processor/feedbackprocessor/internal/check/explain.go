package check

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// field is what a template can show.
type field string

// The fields of templates.
const (
	// fieldValue is the value: a bool, or the text of what OTTL gave.
	fieldValue field = "Value"
	// fieldFound and fieldMissing are lists, printed as Python prints one: terms, in the order of the configuration,
	// kinds of finds, hosts.
	fieldFound   field = "Found"
	fieldMissing field = "Missing"
	fieldCount   field = "Count"
	fieldLength  field = "Length"
	// fieldShare is from 0 to 1, with two decimals.
	fieldShare field = "Share"
	// fieldProblem says what is wrong, without quoting the text.
	fieldProblem field = "Problem"
)

// explanation is a checked template; nil renders nothing. One of only text and fields, the usual, is not executed but
// put together.
type explanation struct {
	pattern  string
	segments []segment
	fields   []field
	template *template.Template // nil when the segments say all
}

// segment is literal text or, if that is empty, a field.
type segment struct {
	literal string
	field   field
}

// newExplanation checks a template: it parses, uses only the fields of its kind of check, and renders. An empty one
// gives nil.
func newExplanation(text, kind string, fields []field) (*explanation, error) {
	if text == "" {
		return nil, nil
	}
	tmpl, err := template.New("explain").Parse(text)
	if err != nil {
		return nil, err
	}
	for _, t := range tmpl.Templates() {
		if t.Tree == nil {
			continue
		}
		if err := checkFields(t.Root, kind, fields); err != nil {
			return nil, err
		}
	}
	e := &explanation{pattern: text, fields: fields, segments: segmentsOf(tmpl)}
	if e.segments != nil {
		return e, nil
	}
	e.template = tmpl
	for _, sample := range []facts{
		{value: assessment.String("text")},
		{holds: true, found: terms{"a", "b"}, missing: terms{"a", "b"}, count: 2, length: 1, share: 0.5, problem: "p"},
	} {
		if err := tmpl.Execute(new(strings.Builder), e.data(&sample)); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// segmentsOf takes apart a template of only text and fields; it gives nil for any other.
func segmentsOf(tmpl *template.Template) []segment {
	segments := []segment{}
	if tmpl.Tree == nil {
		return segments
	}
	for _, node := range tmpl.Root.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			segments = append(segments, segment{literal: string(n.Text)})
		case *parse.ActionNode:
			if len(n.Pipe.Decl) > 0 || len(n.Pipe.Cmds) != 1 || len(n.Pipe.Cmds[0].Args) != 1 {
				return nil
			}
			f, ok := n.Pipe.Cmds[0].Args[0].(*parse.FieldNode)
			if !ok || len(f.Ident) != 1 {
				return nil
			}
			segments = append(segments, segment{field: field(f.Ident[0])})
		default:
			return nil
		}
	}
	return segments
}

// checkFields looks for fields that the kind of check does not have, also where a template would seldom come by.
func checkFields(node parse.Node, kind string, fields []field) error {
	check := func(nodes ...parse.Node) error {
		for _, node := range nodes {
			if err := checkFields(node, kind, fields); err != nil {
				return err
			}
		}
		return nil
	}
	branch := func(b *parse.BranchNode) error {
		if err := check(b.Pipe, b.List); err != nil || b.ElseList == nil {
			return err
		}
		return check(b.ElseList)
	}
	switch n := node.(type) {
	case *parse.ListNode:
		return check(n.Nodes...)
	case *parse.ActionNode:
		return check(n.Pipe)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			if err := check(command.Args...); err != nil {
				return err
			}
		}
	case *parse.IfNode:
		return branch(&n.BranchNode)
	case *parse.WithNode:
		return branch(&n.BranchNode)
	case *parse.RangeNode:
		return branch(&n.BranchNode)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			return check(n.Pipe)
		}
	case *parse.ChainNode:
		return check(n.Node)
	case *parse.VariableNode:
		if n.Ident[0] == "$" && len(n.Ident) > 1 {
			return checkField(n.Ident[1], kind, fields)
		}
	case *parse.FieldNode:
		return checkField(n.Ident[0], kind, fields)
	}
	return nil
}

func checkField(name, kind string, fields []field) error {
	if slices.Contains(fields, field(name)) {
		return nil
	}
	if len(fields) == 0 {
		return fmt.Errorf("unknown field .%s: `%s` has no fields", name, kind)
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = "." + string(f)
	}
	return fmt.Errorf("unknown field .%s: `%s` has %s", name, kind, strings.Join(names, ", "))
}

// source is the template's text.
func (e *explanation) source() string {
	if e == nil {
		return ""
	}
	return e.pattern
}

// constant gives the text of a template that is always the same.
func (e *explanation) constant() (string, bool) {
	switch {
	case e == nil, e.template != nil, len(e.segments) != 1, e.segments[0].field != "":
		return "", false
	}
	return e.segments[0].literal, true
}

// text renders the template for the facts of in.
func (e *explanation) text(in *input) (string, *assessment.Error) {
	if e == nil {
		return "", nil
	}
	if text, ok := e.constant(); ok {
		return text, nil
	}
	var failed *assessment.Error
	in.rationale, failed = e.append(in.rationale[:0], &in.facts)
	return string(in.rationale), failed
}

// append appends the rendered template. The message of an error leaves out what the template's says: it may quote.
func (e *explanation) append(dst []byte, f *facts) ([]byte, *assessment.Error) {
	if e.template != nil {
		out := bytes.NewBuffer(dst)
		if err := e.template.Execute(out, e.data(f)); err != nil {
			return dst, failure("explain", "the explanation's template cannot be rendered for this result")
		}
		return out.Bytes(), nil
	}
	for _, s := range e.segments {
		switch s.field {
		case "":
			dst = append(dst, s.literal...)
		case fieldValue:
			dst = f.appendValue(dst)
		case fieldFound:
			dst = f.found.appendTo(dst)
		case fieldMissing:
			dst = f.missing.appendTo(dst)
		case fieldLength:
			dst = strconv.AppendInt(dst, int64(f.length), 10)
		case fieldCount:
			dst = strconv.AppendInt(dst, int64(f.count), 10)
		case fieldShare:
			dst = strconv.AppendFloat(dst, f.roundedShare(), 'f', -1, 64)
		case fieldProblem:
			dst = append(dst, f.problem...)
		}
	}
	return dst, nil
}

// data is what a template that has to be executed sees.
func (e *explanation) data(f *facts) map[string]any {
	all := map[field]any{
		fieldValue: f.holds, fieldFound: f.found, fieldMissing: f.missing, fieldCount: f.count, fieldLength: f.length,
		fieldShare: f.roundedShare(), fieldProblem: f.problem,
	}
	if f.value != "" {
		all[fieldValue] = f.value.Text()
	}
	data := make(map[string]any, len(e.fields))
	for _, name := range e.fields {
		data[string(name)] = all[name]
	}
	return data
}

func (f *facts) roundedShare() float64 { return math.Round(f.share*100) / 100 }

func (f *facts) appendValue(dst []byte) []byte {
	if f.value != "" {
		return append(dst, f.value.Text()...)
	}
	return strconv.AppendBool(dst, f.holds)
}
