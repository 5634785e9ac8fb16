package judge

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// cutMark ends a text of which the rest was left out.
const cutMark = " […the rest was cut]"

// Input is what a judge sees of an interaction. It holds plain copies, so it may be queued and written to disk.
type Input struct {
	// TraceID and SpanID name the subject, in lower-case hex; they are not sent to the model.
	TraceID, SpanID string
	// The parts of the interaction; an empty one is not there.
	Question, Answer, System, Context, ToolCalls, Expected string
	// Truncated is set when any part was cut.
	Truncated bool
	// Queued is when the judgement was queued; `max_age` counts from it. Zero is now.
	Queued time.Time
	// Rule and Stratum are the sampling decision; only the budget reads them.
	Rule, Stratum string
}

// Part returns the text of a part.
func (in *Input) Part(part genai.Part) string {
	if text := in.part(part); text != nil {
		return *text
	}
	return ""
}

// SetPart sets the text of a part; an unknown part is ignored.
func (in *Input) SetPart(part genai.Part, text string) {
	if p := in.part(part); p != nil {
		*p = text
	}
}

func (in *Input) part(part genai.Part) *string {
	switch part {
	case genai.PartQuestion:
		return &in.Question
	case genai.PartAnswer:
		return &in.Answer
	case genai.PartSystem:
		return &in.System
	case genai.PartContext:
		return &in.Context
	case genai.PartToolCalls:
		return &in.ToolCalls
	case genai.PartExpected:
		return &in.Expected
	default:
		return nil
	}
}

// bound cuts the parts so that together they hold at most limit bytes. Short parts are kept whole: what they leave
// over goes to the long ones, which get equal shares.
func (in *Input) bound(limit int, parts []genai.Part) {
	lengths := make([]int, 0, len(parts))
	total := 0
	for _, part := range parts {
		n := len(in.Part(part))
		lengths, total = append(lengths, n), total+n
	}
	if total <= limit {
		return
	}
	slices.Sort(lengths)
	share, rest := 0, limit
	for i, n := range lengths {
		share = rest / (len(lengths) - i)
		if n > share {
			break
		}
		rest -= n
	}
	for _, part := range parts {
		if text := in.Part(part); len(text) > share {
			in.SetPart(part, cut(text, share))
			in.Truncated = true
		}
	}
}

// cut shortens text to limit bytes, its mark included, at the start of a rune.
func cut(text string, limit int) string {
	end := max(limit-len(cutMark), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + cutMark
}
