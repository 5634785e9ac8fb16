package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// column is one column of the table, in characters; longer texts are cut.
type column struct {
	title string
	width int
	text  func(label string, a assessment.Assessment) string
}

var columns = []column{
	{"TRACE", 8, func(_ string, a assessment.Assessment) string { return a.TraceID[:min(8, len(a.TraceID))] }},
	{"FROM", 20, func(label string, _ assessment.Assessment) string { return label }},
	{"NAME", 20, func(_ string, a assessment.Assessment) string { return a.Name }},
	{"RESULT", 6, verdict},
	{"VALUE OR ERROR", 44, value},
	{"SOURCE", 38, func(_ string, a assessment.Assessment) string { return string(a.Source.Type) + " " + a.Source.ID }},
	{"RATIONALE", 100, rationale},
}

func verdict(_ string, a assessment.Assessment) string {
	switch {
	case a.Error != nil:
		return "error"
	case a.Verdict == assessment.VerdictPassed:
		return "pass"
	case a.Verdict == assessment.VerdictFailed:
		return "fail"
	default:
		return ""
	}
}

func value(_ string, a assessment.Assessment) string {
	if a.Error != nil {
		return a.Error.Code
	}
	return a.Value.Text()
}

func rationale(_ string, a assessment.Assessment) string {
	if a.Error != nil {
		return a.Error.Message
	}
	return a.Rationale
}

func printTitle(out io.Writer) {
	line(out, func(c column) string { return c.title })
}

func printRow(out io.Writer, label string, a assessment.Assessment) {
	line(out, func(c column) string { return c.text(label, a) })
}

func line(out io.Writer, text func(column) string) {
	var b strings.Builder
	for _, c := range columns {
		cell := cut(text(c), c.width)
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", c.width-utf8.RuneCountInString(cell)+2))
	}
	fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
}

// cut makes text fit into one line of width characters. Texts come from models: control characters would reach the
// terminal.
func cut(text string, width int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}

// order sorts by label, trace, then name, so that a trace's results stand together.
func order(labels map[string]string, all []assessment.Assessment) {
	slices.SortFunc(all, func(a, b assessment.Assessment) int {
		return cmp.Or(
			cmp.Compare(labels[a.TraceID], labels[b.TraceID]),
			cmp.Compare(a.TraceID, b.TraceID), cmp.Compare(a.SpanID, b.SpanID), cmp.Compare(a.Name, b.Name),
		)
	})
}
