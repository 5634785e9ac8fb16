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
	// PartExpected is what a correct answer says. No convention has it; it is only given.
	PartExpected Part = "expected"
)

// ToolCall is one call that a model asked for. Arguments is JSON text as the producer wrote it.
type ToolCall struct {
	ID, Name, Arguments string
}

// Document is one retrieved piece of context.
type Document struct {
	ID, Text string
}

// Turn is one message of the conversation before the question. Role is system, user, assistant, tool or other.
type Turn struct {
	Role, Text string
}

// Interaction is what evaluators see of a span. It reads from the span on first use, so it must not be kept beyond
// the call that made it; it is not safe for concurrent use. Its zero value is of KindOther. The strings that it gives
// may be kept.
type Interaction struct {
	resource pcommon.Resource
	span     ptrace.Span
	kind     Kind
	found    found
	kindBy   found
	records  []Record
	given    *given

	hasInput, hasOutput   bool
	has                   want
	input                 input
	output                output
	inputFrom, outputFrom string
}

// given is what stands in the place of what conventions say.
type given struct {
	parts        map[Part]reading
	conversation *string
}

// Read classifies a span by its attributes alone: it allocates nothing and parses no text. A span that is not GenAI
// gives an interaction of KindOther. The scope tells nothing: several instrumentations write that of another.
func Read(resource pcommon.Resource, _ pcommon.InstrumentationScope, span ptrace.Span) (i Interaction) {
	i.resource, i.span = resource, span
	i.kind, i.found, i.kindBy = recognise(span.Attributes())
	return i
}

// Join adds the log records of the span, in the order in which they came.
func (i *Interaction) Join(records []Record) {
	i.records = inOrder(records)
	i.hasInput, i.hasOutput = false, false
}

// ConventionGiven is the name of what stands in the place of conventions.
const ConventionGiven = "read"

// Give puts a text in the place of what conventions say of a part; a blank one says that it was not captured. A span
// of no convention that is given a question or an answer is an interaction of KindLLM.
func (i *Interaction) Give(part Part, text string) {
	if i.given == nil {
		i.given = &given{parts: make(map[Part]reading, 1)}
	}
	at := inInput
	if part == PartAnswer {
		at = inOutput
	}
	r := read(text, at)
	if r.state == "" {
		r.state = StateNotCaptured
	} else if i.Kind() == KindOther && (part == PartQuestion || part == PartAnswer) {
		i.kind = KindLLM
	}
	i.given.parts[part] = r
}

// GiveConversation puts an id in the place of what conventions say; "" says that there is none.
func (i *Interaction) GiveConversation(id string) {
	if i.given == nil {
		i.given = &given{}
	}
	id = valid(id)
	i.given.conversation = &id
}

// Kind returns the kind of the interaction.
func (i *Interaction) Kind() Kind {
	if i.kind == "" {
		return KindOther
	}
	return i.kind
}

// KindConvention names the convention that told the kind, or "" if none did.
func (i *Interaction) KindConvention() string { return known.name(i.kindBy) }

// Text returns a part as text with its content state. The text is empty unless the state is StateText or
// StateTruncated. Context is the documents joined by blank lines, or, where the span carries none, the results of
// the tools that were called after the question; tool calls are a JSON list of {"name","arguments"} objects.
func (i *Interaction) Text(part Part) (string, State) {
	if i.Kind() == KindOther {
		return "", StateNotCaptured
	}
	if i.given != nil {
		if r, ok := i.given.parts[part]; ok {
			return r.text, r.state
		}
	}
	switch part {
	case PartQuestion:
		r := i.inputSide(0).question
		return r.text, r.state
	case PartSystem:
		r := i.inputSide(wantSystem).system
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
	return i.inputSide(0).documents
}

// ToolResults returns what the tools that were called since the question gave back.
func (i *Interaction) ToolResults() []Document {
	if i.Kind() == KindOther {
		return nil
	}
	return i.inputSide(0).results
}

// History returns what was said before the question, instructions excepted, oldest first.
func (i *Interaction) History() []Turn {
	if i.Kind() == KindOther {
		return nil
	}
	return i.inputSide(wantHistory).history
}

// Convention names the convention that gave a part, or "" if none did.
func (i *Interaction) Convention(part Part) string {
	if _, state := i.Text(part); state == StateNotCaptured {
		return ""
	}
	if i.given != nil {
		if _, ok := i.given.parts[part]; ok {
			return ConventionGiven
		}
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
		documents = i.inputSide(0).results
	}
	if len(documents) == 0 {
		return "", absent(i.span)
	}
	return joined(documents)
}

// joined renders documents, with blank lines between them.
func joined(documents []Document) (string, State) {
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

func (i *Interaction) source(wanted want) source {
	return source{span: i.span, kind: i.kind, want: wanted, records: i.records}
}

// inputSide reads the input once. What can be long is left out until someone wants it.
func (i *Interaction) inputSide(wanted want) *input {
	if i.hasInput && i.has&wanted == wanted {
		return &i.input
	}
	i.hasInput, i.has = true, i.has|wanted
	i.input, i.inputFrom = input{}, ""
	from := i.source(i.has)
	for place, convention := range conventions {
		if !i.found.has(place) {
			continue
		}
		in := convention.input(from)
		if i.input.question.known() { // only its instructions are not
			in = input{system: in.system}
		}
		i.input.complete(in)
		if i.inputFrom == "" && (in.question.known() || in.system.known() || len(in.documents) > 0) {
			i.inputFrom = known.names[place]
		}
		if i.input.question.known() && (i.input.system.known() || !from.wants(wantSystem)) {
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
	i.hasOutput, i.output, i.outputFrom = true, output{}, ""
	from := i.source(0)
	for place, convention := range conventions {
		if !i.found.has(place) {
			continue
		}
		out := convention.output(from)
		if out.answer.known() || len(out.documents) > 0 {
			i.output, i.outputFrom = out, known.names[place]
			break
		}
	}
	i.output.answer = i.settle(i.output)
	if i.output.answer.state == StateError {
		i.output.calls = nil
	}
	return &i.output
}
