package genai

import (
	"cmp"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// KindTrace is the kind of a whole trace as a subject.
const KindTrace Kind = "trace"

// Trace is what evaluators see of a whole trace: the question that its root was asked and the answer that it gave in
// the end, all tool calls in the order of time, and the documents of all retrievers. Like an Interaction it must not
// be kept beyond the call that made it.
type Trace struct {
	root  *Interaction
	spans []*Interaction // GenAI spans, by start
	seen  int
}

// NewTrace puts a trace together from its root span and all of its spans that are at hand, the root among them.
func NewTrace(root *Interaction, spans []*Interaction) *Trace {
	t := &Trace{root: root, seen: len(spans)}
	for _, one := range spans {
		if one.Kind() != KindOther {
			t.spans = append(t.spans, one)
		}
	}
	slices.SortStableFunc(t.spans, func(a, b *Interaction) int {
		return cmp.Compare(a.span.StartTimestamp(), b.span.StartTimestamp())
	})
	return t
}

// Kind is KindTrace, or KindOther where no span is GenAI.
func (t *Trace) Kind() Kind {
	if len(t.spans) == 0 {
		return KindOther
	}
	return KindTrace
}

// SpansSeen is the number of spans that were at hand, GenAI or not.
func (t *Trace) SpansSeen() int { return t.seen }

// Root is the root span.
func (t *Trace) Root() ptrace.Span { return t.root.span }

// ResponseID is the id of the response that the root span stands for, if it has one.
func (t *Trace) ResponseID() string { return t.root.ResponseID() }

// Text returns a part as text with its content state, as Interaction.Text does. Where the root span says nothing of a
// part, being no GenAI span or one without content, the first question and the last answer of the spans below it
// count: parents start before their children and end after them.
func (t *Trace) Text(part Part) (string, State) {
	if len(t.spans) == 0 {
		return "", StateNotCaptured
	}
	switch part {
	case PartQuestion, PartSystem:
		return t.firstText(part, t.spans)
	case PartAnswer:
		byEnd := slices.Clone(t.spans)
		slices.SortStableFunc(byEnd, func(a, b *Interaction) int {
			return cmp.Compare(b.span.EndTimestamp(), a.span.EndTimestamp())
		})
		return t.firstText(part, byEnd)
	case PartContext:
		return t.context()
	case PartToolCalls:
		return t.toolCalls()
	case PartExpected:
		return t.root.Text(part)
	}
	return "", StateNotCaptured
}

// firstText asks the root, and if that says nothing the others in their order.
func (t *Trace) firstText(part Part, others []*Interaction) (string, State) {
	text, state := t.root.Text(part)
	for _, one := range others {
		if state != StateNotCaptured {
			break
		}
		switch one.Kind() {
		case KindLLM, KindAgent, KindChain:
			text, state = one.Text(part)
		}
	}
	return text, state
}

// context joins the documents of all retrievers; where there are none, of any span.
func (t *Trace) context() (string, State) {
	documents := t.documents(func(kind Kind) bool { return kind == KindRetriever })
	if len(documents) == 0 {
		documents = t.documents(func(Kind) bool { return true })
	}
	if len(documents) == 0 {
		return t.root.Text(PartContext)
	}
	return joined(documents)
}

// documents collects the documents of some kinds of spans, each once: retrievers are often two spans, one in the other.
func (t *Trace) documents(of func(Kind) bool) []Document {
	var all []Document
	known := make(map[string]bool)
	for _, one := range t.spans {
		if !of(one.Kind()) {
			continue
		}
		for _, document := range one.Documents() {
			if !known[document.Text] {
				known[document.Text] = true
				all = append(all, document)
			}
		}
	}
	return all
}

// toolCalls lists what models asked for and what tools were run, a call that is both once.
func (t *Trace) toolCalls() (string, State) {
	var calls []ToolCall
	asked := make(map[string]int) // calls of models that no tool's span has been found for
	state := StateNotCaptured
	ids := make(map[string]bool)
	for _, one := range t.spans {
		switch one.Kind() {
		case KindLLM:
			_, answered := one.Text(PartToolCalls)
			state = cmp.Or(notText(answered), state)
			for _, call := range one.ToolCalls() {
				if call.ID != "" && ids[call.ID] {
					continue // on another span of the same exchange
				}
				ids[call.ID] = true
				calls = append(calls, call)
				asked[signature(call)]++
			}
		case KindTool:
			call, ok := one.run()
			if !ok {
				continue
			}
			if asked[signature(call)] > 0 {
				asked[signature(call)]--
				continue
			}
			calls = append(calls, call)
		}
	}
	if len(calls) == 0 {
		return "", state
	}
	return textOfCalls(calls)
}

func notText(state State) State {
	if state == StateText {
		return ""
	}
	return state
}

// signature identifies a call by its name and its arguments, however they are spaced.
func signature(call ToolCall) string {
	return call.Name + "\x00" + strings.Join(strings.Fields(call.Arguments), "")
}

// run is the call that a tool's span stands for.
func (i *Interaction) run() (ToolCall, bool) {
	name := i.fact(factTool)
	if name == "" {
		name = i.span.Name()
	}
	arguments, _ := i.Text(PartQuestion)
	return ToolCall{Name: name, Arguments: arguments}, name != ""
}
