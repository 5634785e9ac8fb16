package genai

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// conventions is the order in which they are asked for each side of a span. The first that has text, or knows why
// there is none, wins; question and answer may come from different ones. Structured content stands before raw
// payloads, in which a check or a judge would take ids, parameters and token counts for the answer.
var conventions = [...]convention{
	geminiCLI{}, // writes in the semantic conventions' keys what they do not allow
	otelAttributes{},
	otelDetails{},
	traceAI{},
	openInference{},
	otelIndexed{},
	vercel{},
	langfuse{},
	adk{},
	mlflow{},
	mastra{},
	pydanticAI{},
	otelMessages{},
	langSmith{},
	otelContent{},
	agentCore{},
	claudeCode{},
	traceloop{},
	haystack{},
	genkit{},
	liveKit{},
	voltAgent{},
	laminar{},
	sentry{},
	agentOps{},
	langWatch{},
	braintrust{},
	springAI{},
	monocle{},
	promptflow{},
	ag2{},
	plainKeys{},
}

// convention is one way of instrumenting: how it is recognised, and where it keeps the content of a span. input and
// output return the zero value where the span does not have that side in this convention.
type convention interface {
	// about describes it; it is called once.
	about() about
	// input reads what went in: question, system text, context.
	input(source) input
	// output reads what came out: answer, tool calls, retrieved documents.
	output(source) output
}

// about describes a convention.
type about struct {
	// name is what reports call it.
	name string
	// keys are the beginnings of the attribute keys that it is recognised by, of three bytes or more; a whole key is
	// one, too. A convention without any is asked about every GenAI span.
	keys []string
	// kind reads the kind from an attribute with one of these keys; nil where none tells it. An empty kind means that
	// this attribute does not.
	kind func(key string, value pcommon.Value) (Kind, rank)
	// facts are the attributes that hold facts, most trusted first.
	facts map[fact][]string
	// deep reads a fact from inside an attribute that holds JSON; nil where there is none. It is asked after facts.
	deep func(source, fact) string
}

// source is the span that a convention reads from.
type source struct {
	span    ptrace.Span
	kind    Kind
	records []Record
	want
}

// want says what is read beside the question and the answer, because it can be long.
type want uint8

const (
	wantSystem  want = 1 << iota // the instructions
	wantHistory                  // the turns before the question
)

func (w want) wants(what want) bool { return w&what != 0 }

// get returns an attribute.
func (s source) get(key string) (pcommon.Value, bool) { return s.span.Attributes().Get(key) }

// str returns an attribute's text, or "".
func (s source) str(key string) string {
	value, ok := s.get(key)
	if !ok {
		return ""
	}
	return stringOf(value)
}

// input is what a convention knows of the input side.
type input struct {
	question, system reading
	documents        []Document // retrieved context
	results          []Document // of the tools called since the question
	history          []Turn     // what was said before the question
}

// complete takes from another convention what is missing.
func (in *input) complete(other input) {
	if !in.question.known() && (other.question.known() || len(in.results) == 0) {
		in.question, in.results, in.history = other.question, other.results, other.history
	}
	if !in.system.known() {
		in.system = other.system
	}
	if len(in.documents) == 0 {
		in.documents = other.documents
	}
}

// output is what a convention knows of the output side.
type output struct {
	answer    reading
	empty     bool   // the answer was captured, and has no character
	finish    string // why the model stopped
	id        string // of the response
	calls     []ToolCall
	documents []Document
}
