package genai

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Part names one side of an interaction that an evaluator can read; its values are those of the key `target`.
type Part string

// The parts of an interaction.
const (
	PartQuestion  Part = "question"
	PartAnswer    Part = "answer"
	PartSystem    Part = "system"
	PartContext   Part = "context"
	PartToolCalls Part = "tool_calls"
)

// ToolCall is one call that a model asked for. Arguments is JSON text as the producer wrote it.
type ToolCall struct {
	ID, Name, Arguments string
}

// Document is one retrieved piece of context.
type Document struct {
	ID, Text string
}

// Interaction is what evaluators see of a span. It reads from the span on first use, so it must not be kept beyond
// the call that made it; it is not safe for concurrent use. Its zero value is of KindOther. The strings that it gives
// may be kept.
type Interaction struct {
	resource pcommon.Resource
	span     ptrace.Span
	kind     Kind
	found    family

	hasInput, hasOutput   bool
	hasSystem             bool
	input                 input
	output                output
	inputFrom, outputFrom string
}

// Read classifies a span by its attributes alone: it allocates nothing and parses no text. A span that is not GenAI
// gives an interaction of KindOther. The scope tells nothing: several instrumentations write that of another.
func Read(resource pcommon.Resource, _ pcommon.InstrumentationScope, span ptrace.Span) (i Interaction) {
	kind, rank := KindOther, uint8(unranked)
	for key, value := range span.Attributes().All() {
		if len(key) < minKey || !initials[key[0]] {
			continue
		}
		i.found |= familyOf(key)
		if k, r := kindFrom(key, value); r < rank && k != "" {
			kind, rank = k, r
		}
	}
	i.resource, i.span, i.kind = resource, span, kind
	return i
}

// Kind returns the kind of the interaction.
func (i *Interaction) Kind() Kind {
	if i.kind == "" {
		return KindOther
	}
	return i.kind
}

// Text returns a part as text with its content state. The text is empty unless the state is StateText or
// StateTruncated. Context is the documents joined by blank lines, or, where the span carries none, the results of
// the tools that were called after the question; tool calls are a JSON list of {"name","arguments"} objects.
func (i *Interaction) Text(part Part) (string, State) {
	if i.Kind() == KindOther {
		return "", StateNotCaptured
	}
	switch part {
	case PartQuestion:
		r := i.inputSide(false).question
		return r.text, r.state
	case PartSystem:
		r := i.inputSide(true).system
		return r.text, r.state
	case PartAnswer:
		r := i.outputSide().answer
		return r.text, r.state
	case PartContext:
		return i.context()
	case PartToolCalls:
		return i.callsText()
	}
	return "", StateNotCaptured
}

// ToolCalls returns the calls that the answer asks for.
func (i *Interaction) ToolCalls() []ToolCall {
	if i.Kind() == KindOther {
		return nil
	}
	return i.outputSide().calls
}

// Documents returns the retrieved context that the span itself carries.
func (i *Interaction) Documents() []Document {
	if i.Kind() == KindOther {
		return nil
	}
	if documents := i.outputSide().documents; len(documents) > 0 {
		return documents
	}
	return i.inputSide(false).documents
}

// Convention names the convention that gave a part, or "" if none did.
func (i *Interaction) Convention(part Part) string {
	if _, state := i.Text(part); state == StateNotCaptured {
		return ""
	}
	switch part {
	case PartAnswer, PartToolCalls:
		return i.outputFrom
	case PartContext:
		if len(i.output.documents) > 0 {
			return i.outputFrom
		}
	}
	return i.inputFrom
}

// context renders the documents, else the tool results.
func (i *Interaction) context() (string, State) {
	documents := i.Documents()
	if len(documents) == 0 {
		documents = i.inputSide(false).results
	}
	if len(documents) == 0 {
		return "", absent(i.span)
	}
	var b strings.Builder
	for n, document := range documents {
		if n > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(document.Text)
		if b.Len() > maxText {
			break
		}
	}
	r := read(b.String(), inInput)
	return r.text, r.state
}

// inputSide reads the input once. Instructions, which can be long, are left out until someone wants them.
func (i *Interaction) inputSide(system bool) *input {
	if i.hasInput && (i.hasSystem || !system) {
		return &i.input
	}
	i.hasInput, i.hasSystem = true, system
	i.input, i.inputFrom = input{}, ""
	from := source{span: i.span, kind: i.kind, system: system}
	for _, entry := range conventions {
		if i.found&entry.family == 0 {
			continue
		}
		in := entry.read.input(from)
		i.input.complete(in)
		if i.inputFrom == "" && (in.question.known() || in.system.known() || len(in.documents) > 0) {
			i.inputFrom = entry.name
		}
		if i.input.question.known() {
			break
		}
	}
	if !i.input.question.known() {
		i.input.question.state = absent(i.span)
	}
	if !i.input.system.known() {
		i.input.system.state = absent(i.span)
	}
	return &i.input
}

func (i *Interaction) outputSide() *output {
	if i.hasOutput {
		return &i.output
	}
	i.hasOutput = true
	from := source{span: i.span, kind: i.kind}
	for _, entry := range conventions {
		if i.found&entry.family == 0 {
			continue
		}
		out := entry.read.output(from)
		if out.answer.known() || len(out.documents) > 0 {
			i.output, i.outputFrom = out, entry.name
			break
		}
	}
	i.output.answer = settle(i.output, i.span)
	if i.output.answer.state == StateError {
		i.output.calls = nil
	}
	return &i.output
}
