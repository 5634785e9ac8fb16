package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor"
)

// writeText writes a paragraph a span.
func writeText(w io.Writer, explained []feedbackprocessor.Explanation, spansPerSecond float64) error {
	out := &page{Writer: bufio.NewWriter(w)}
	others := 0
	for i := range explained {
		if explained[i].Interaction.Kind() == genai.KindOther {
			others++
		}
		writeSpan(out, &explained[i])
	}
	out.line("%d spans, %d of them not GenAI", len(explained), others)
	writeCosts(out, explained, spansPerSecond)
	return out.Flush() // which has the error of any line before
}

// page writes lines.
type page struct{ *bufio.Writer }

func (p *page) line(format string, arguments ...any) {
	_, _ = fmt.Fprintf(p, format+"\n", arguments...)
}

// field writes a line about a span, unless there is nothing to say.
func (p *page) field(name, text string) {
	if text != "" {
		p.line("  %-13s %s", name, text)
	}
}

func writeSpan(out *page, explained *feedbackprocessor.Explanation) {
	span, i := explained.Span, explained.Interaction
	out.line("%s  %s  %s", i.Kind(), span.SpanID(), shown(span.Name()))
	if i.Kind() == genai.KindOther {
		out.line("")
		return
	}
	for _, part := range []genai.Part{genai.PartQuestion, genai.PartAnswer, genai.PartSystem, genai.PartContext, genai.PartToolCalls} {
		text, state := i.Text(part)
		if state == genai.StateNotCaptured && part != genai.PartQuestion && part != genai.PartAnswer {
			continue
		}
		out.field(string(part), strings.TrimSpace(fmt.Sprintf("%-12s %-18s %s", state, i.Convention(part), shown(text))))
	}
	out.field("history", counted(len(i.History()), "turns before the question"))
	out.field("tool results", counted(len(i.ToolResults()), "since the question"))
	out.field("documents", counted(len(i.Documents()), "retrieved"))
	out.field("model", strings.TrimSpace(shown(i.Model())+"  "+shown(i.Provider())))
	out.field("tokens", tokens(i))
	out.field("response id", shown(i.ResponseID()))
	out.field("conversation", shown(i.ConversationID()))
	out.field("user", shown(i.UserID()))
	out.field("finish", shown(i.FinishReason()))
	out.field("stream", stream(i))
	for n := range explained.Evaluators {
		outcome := &explained.Evaluators[n]
		out.line("  %-13s %-24s %s", outcome.Type, shown(outcome.Name), fate(outcome))
	}
	out.line("")
}

// fate says in a line what an evaluator would do.
func fate(o *feedbackprocessor.Outcome) string {
	var b strings.Builder
	if o.Scope == assessment.ScopeTrace {
		b.WriteString("trace: ")
	}
	switch {
	case o.Failed != "":
		fmt.Fprintf(&b, "runs, and fails: %s", o.Failed)
	case o.Runs && o.Type == feedbackprocessor.EvaluatorCheck:
		fmt.Fprintf(&b, "runs: %s", shown(string(o.Value)))
		switch o.Verdict {
		case assessment.VerdictPassed:
			b.WriteString(", passed")
		case assessment.VerdictFailed:
			b.WriteString(", not passed")
		}
		if o.Rationale != "" {
			fmt.Fprintf(&b, ": %s", shown(o.Rationale))
		}
	case o.Runs:
		b.WriteString("runs")
	default:
		b.WriteString("does not run: " + o.Reason)
	}
	if o.State != "" {
		fmt.Fprintf(&b, " (%s)", o.State)
	}
	if o.Rule != "" {
		fmt.Fprintf(&b, " (rule %s, probability %s)", shown(o.Rule), strconv.FormatFloat(o.Probability, 'g', 4, 64))
	}
	return b.String()
}

func tokens(i *genai.Interaction) string {
	var parts []string
	if n, ok := i.InputTokens(); ok {
		parts = append(parts, fmt.Sprintf("%d in", n))
	}
	if n, ok := i.OutputTokens(); ok {
		parts = append(parts, fmt.Sprintf("%d out", n))
	}
	if usd, ok := i.Cost(); ok {
		parts = append(parts, "USD "+strconv.FormatFloat(usd, 'g', 6, 64))
	}
	return strings.Join(parts, ", ")
}

func stream(i *genai.Interaction) string {
	first, ok := i.FirstToken()
	switch {
	case ok:
		return "first token after " + first.Round(time.Microsecond).String()
	case i.Streaming():
		return "yes"
	}
	return ""
}

func counted(n int, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, what)
}

// shown makes foreign text fit for a line of a terminal: short, and without control characters.
func shown(text string) string {
	const longest = 160
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsGraphic(r):
			return '\uFFFD'
		}
		return r
	}, text)
	if runes := []rune(clean); len(runes) > longest {
		return fmt.Sprintf("%s… (%d characters)", string(runes[:longest]), len(runes))
	}
	return clean
}

// rounded shows a number with three digits.
func rounded(n float64) string { return strconv.FormatFloat(n, 'g', 3, 64) }
