package genai

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Kind says what a GenAI span did.
type Kind string

// The kinds of an interaction; KindOther is a span that is not GenAI.
const (
	KindOther     Kind = "other"
	KindLLM       Kind = "llm"
	KindAgent     Kind = "agent"
	KindChain     Kind = "chain"
	KindTool      Kind = "tool"
	KindRetriever Kind = "retriever"
	KindReranker  Kind = "reranker"
	KindEmbedding Kind = "embedding"
	KindGuardrail Kind = "guardrail"
	KindEvaluator Kind = "evaluator"
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

// State says whether a part has text and, if not, why.
type State string

// The content states of a part.
const (
	StateText                State = "text"
	StateToolCallOnly        State = "tool_call_only"
	StateNotCaptured         State = "not_captured"
	StateRedacted            State = "redacted"
	StateMedia               State = "media"
	StateTruncated           State = "truncated"
	StateDropped             State = "dropped"
	StateError               State = "error"
	StateStreamingUnfinished State = "streaming_unfinished"
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
// the call that made it; it is not safe for concurrent use.
type Interaction struct {
	// unexported fields
}

// Read classifies a span by its attributes alone: it allocates nothing and parses no text. A span that is not GenAI
// gives an interaction of KindOther.
func Read(resource pcommon.Resource, scope pcommon.InstrumentationScope, span ptrace.Span) Interaction {
	panic("contract")
}

// Kind returns the kind of the interaction.
func (i *Interaction) Kind() Kind { panic("contract") }

// Text returns a part as text with its content state. The text is empty unless the state is StateText or
// StateTruncated. Context is the documents joined by blank lines; tool calls are a JSON list of
// {"name","arguments"} objects.
func (i *Interaction) Text(part Part) (string, State) { panic("contract") }

// ToolCalls returns the calls that the answer asks for.
func (i *Interaction) ToolCalls() []ToolCall { panic("contract") }

// Documents returns the retrieved context that the span itself carries.
func (i *Interaction) Documents() []Document { panic("contract") }

// Convention names the convention that gave a part, or "" if none did.
func (i *Interaction) Convention(part Part) string { panic("contract") }

// Model returns the response's model, else the requested one.
func (i *Interaction) Model() string { panic("contract") }

// Provider returns the provider's name as the producer wrote it.
func (i *Interaction) Provider() string { panic("contract") }

// ResponseID returns the provider's id of the response.
func (i *Interaction) ResponseID() string { panic("contract") }

// ConversationID returns the id of the session or thread.
func (i *Interaction) ConversationID() string { panic("contract") }

// InputTokens returns the number of prompt tokens; ok is false where the span has none.
func (i *Interaction) InputTokens() (n int64, ok bool) { panic("contract") }

// OutputTokens returns the number of generated tokens; ok is false where the span has none.
func (i *Interaction) OutputTokens() (n int64, ok bool) { panic("contract") }
