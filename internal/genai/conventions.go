package genai

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// conventions is the order in which they are asked for each side of a span. The first that has text, or knows why
// there is none, wins; question and answer may come from different ones. Structured content stands before raw
// payloads, in which a check or a judge would take ids, parameters and token counts for the answer.
var conventions = [...]struct {
	name   string
	family family
	read   convention
}{
	{"otel_genai", familyGenAI, otelAttributes{}},
	{"otel_genai", familyAll, otelEvents{}},
	{"openinference", familyOpenInference, openInference{}},
	{"gen_ai_indexed", familyGenAI, otelIndexed{}},
	{"mlflow", familyMLflow, mlflow{}},
}

// convention knows where one way of instrumenting keeps the content of a span. Both methods return the zero value
// where the span does not have that side in this convention.
type convention interface {
	// input reads what went in: question, system text, context.
	input(source) input
	// output reads what came out: answer, tool calls, retrieved documents.
	output(source) output
}

// source is the span that a convention reads from.
type source struct {
	span   ptrace.Span
	kind   Kind
	system bool // whether the instructions are wanted, too
}

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

// family is a set of key prefixes that a convention's attributes have, so that a convention is not asked in vain.
type family uint16

const (
	familyGenAI family = 1 << iota
	familyOpenInference
	familyMLflow

	familyAll family = 0xffff
)

// minKey is the length of the shortest key that tells something; initials are the first letters of all of them.
const minKey = 8

var initials = [256]bool{
	'a': true, 'e': true, 'g': true, 'h': true, 'i': true, 'l': true, 'm': true, 'o': true, 'r': true, 't': true,
}

// familyOf returns the family of a key of at least minKey bytes.
func familyOf(key string) family {
	switch key[0] {
	case 'g':
		if strings.HasPrefix(key, "gen_ai.") {
			return familyGenAI
		}
	case 'l':
		if strings.HasPrefix(key, "llm.") {
			return familyOpenInference
		}
	case 'm':
		if strings.HasPrefix(key, "mlflow.") {
			return familyMLflow
		}
	case 'e', 'i', 'o', 'r':
		if strings.HasPrefix(key, "openinference.") || strings.HasPrefix(key, "input.value") ||
			strings.HasPrefix(key, "output.value") || strings.HasPrefix(key, "retrieval.documents.") ||
			strings.HasPrefix(key, "reranker.") || strings.HasPrefix(key, "embedding.") {
			return familyOpenInference
		}
	}
	return 0
}

// input is what a convention knows of the input side.
type input struct {
	question, system reading
	documents        []Document // retrieved context
	results          []Document // of the tools called since the question
}

// complete takes from another convention what is missing.
func (in *input) complete(other input) {
	if !in.question.known() {
		in.question, in.results = other.question, other.results
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
