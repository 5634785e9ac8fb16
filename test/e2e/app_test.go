//go:build e2e

package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// exchange is one trace of the pretended app: a request that looks something up, asks a model and uses a tool.
type exchange struct {
	trace    pcommon.TraceID
	llm      pcommon.SpanID
	question string
	answer   string
}

// mlflowID is the trace's id in MLflow.
func (e exchange) mlflowID() string { return "tr-" + e.trace.String() }

func newExchange(question, answer string) exchange {
	e := exchange{question: question, answer: answer}
	_, _ = rand.Read(e.trace[:])
	_, _ = rand.Read(e.llm[:])
	return e
}

// newExchanges makes n of them with answers of answer.
func newExchanges(n int, answer func(i int) string) []exchange {
	all := make([]exchange, n)
	for i := range all {
		all[i] = newExchange(fmt.Sprintf("Question %d?", i), answer(i))
	}
	return all
}

// spans are the four spans of each exchange, one of them an llm span.
func spans(exchanges ...exchange) ptrace.Traces {
	traces := ptrace.NewTraces()
	rs := traces.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "adviser")
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("adviser")
	// A while ago: only traces that have ended are written in bulk.
	start := time.Now().Add(-time.Minute)
	for _, e := range exchanges {
		root := appendSpan(ss, e.trace, "POST /ask", start, time.Second)
		root.Attributes().PutStr("http.request.method", "POST")
		retriever := appendSpan(ss, e.trace, "look up", start.Add(10*time.Millisecond), 100*time.Millisecond)
		retriever.SetParentSpanID(root.SpanID())
		retriever.Attributes().PutStr("db.system.name", "postgresql")
		llm := appendSpan(ss, e.trace, "chat gpt-4o-mini", start.Add(200*time.Millisecond), 500*time.Millisecond)
		llm.SetSpanID(e.llm)
		llm.SetParentSpanID(root.SpanID())
		llm.Attributes().PutStr("gen_ai.operation.name", "chat")
		llm.Attributes().PutStr("gen_ai.provider.name", "openai")
		llm.Attributes().PutStr("gen_ai.request.model", "gpt-4o-mini")
		llm.Attributes().PutStr("gen_ai.input.messages", messages("user", e.question))
		llm.Attributes().PutStr("gen_ai.output.messages", messages("assistant", e.answer))
		tool := appendSpan(ss, e.trace, "execute_tool quote", start.Add(800*time.Millisecond), 50*time.Millisecond)
		tool.SetParentSpanID(root.SpanID())
		tool.Attributes().PutStr("gen_ai.operation.name", "execute_tool")
	}
	return traces
}

func appendSpan(ss ptrace.ScopeSpans, trace pcommon.TraceID, name string, start time.Time, takes time.Duration) ptrace.Span {
	span := ss.Spans().AppendEmpty()
	span.SetTraceID(trace)
	var id pcommon.SpanID
	_, _ = rand.Read(id[:])
	span.SetSpanID(id)
	span.SetName(name)
	span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(takes)))
	return span
}

func messages(role, text string) string {
	type part struct {
		Type    string `json:"type"`
		Content string `json:"content"`
	}
	type message struct {
		Role  string `json:"role"`
		Parts []part `json:"parts"`
	}
	encoded, _ := json.Marshal([]message{{Role: role, Parts: []part{{Type: "text", Content: text}}}})
	return string(encoded)
}
