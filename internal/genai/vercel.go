package genai

import (
	"slices"
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// vercel reads the spans of Vercel's AI SDK up to version 6; version 7 writes the semantic conventions. Calls of a
// model stand inside the span of what the application called, which has the same question and answer.
type vercel struct{}

var _ convention = vercel{}

func (vercel) about() about {
	return about{
		name: "vercel_ai",
		keys: []string{"ai.", "operation.name"},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch key {
			case "ai.operationId":
				return kindOfVercel(value.Str()), rankVercel
			case "operation.name": // all that there was before version 3.4; the function's id follows
				if operation, _, _ := strings.Cut(value.Str(), " "); strings.HasPrefix(operation, "ai.") {
					return kindOfVercel(operation), rankVercel
				}
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factResponseModel: {"ai.response.model"},
			factRequestModel:  {"ai.model.id"},
			factProvider:      {"ai.model.provider"},
			factResponseID:    {"ai.response.id"},
			factConversation: {
				"ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.session_id", "ai.telemetry.metadata.threadId",
				"ai.telemetry.metadata.thread_id", "ai.telemetry.metadata.conversationId", "ai.telemetry.metadata.chatId",
			},
			factUser:         {"ai.telemetry.metadata.userId", "ai.telemetry.metadata.user_id"},
			factTool:         {"ai.toolCall.name"},
			factInputTokens:  {"ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"},
			factOutputTokens: {"ai.usage.outputTokens", "ai.usage.completionTokens"},
			factFinish:       {"ai.response.finishReason", "ai.finishReason"},
		},
		deep: vercelFact,
	}
}

func vercelFact(s source, f fact) string {
	if f == factStreaming && strings.HasPrefix(s.firstOf("ai.operationId", "operation.name"), "ai.stream") {
		return "true"
	}
	return ""
}

func (vercel) input(s source) input {
	switch s.kind {
	case KindTool:
		return input{question: quoted(s.str("ai.toolCall.args"), inInput)}
	case KindReranker: // the query is not recorded
		return input{documents: slices.DeleteFunc(vercelDocuments(s), func(d Document) bool { return blank(d.Text) })}
	}
	var in input
	if parse(s.firstOf("ai.prompt.messages", "ai.prompt"), func(value *fastjson.Value) { in, _ = s.readRequest(value) }) == cut {
		return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
	}
	if !in.question.known() { // but texts to embed
		in.question = quoted(vercelText(s), inInput)
	}
	return in
}

func (vercel) output(s source) output {
	switch s.kind {
	case KindTool:
		return output{answer: quoted(s.str("ai.toolCall.result"), inOutput)}
	case KindEmbedding: // a vector is no answer
		return output{}
	case KindReranker:
		return vercelRanking(s)
	}
	// Before version 4 it was called a result.
	for _, kept := range [...]string{"ai.response.", "ai.result."} {
		if out := s.vercelAnswer(kept); out.answer.state != "" {
			return out
		}
	}
	return output{}
}

// vercelAnswer reads text, else an object that the model was made to give, else calls of tools. A span of several
// steps may list the calls of all of them beside the answer of the last one, which asks for none.
func (s source) vercelAnswer(kept string) output {
	var m message
	text, has := s.get(kept + "text")
	if has {
		m.text = stringOf(text)
		m.empty = m.text == ""
	}
	if m.text == "" {
		m.text = s.str(kept + "object")
	}
	calls := s.str(kept + "toolCalls")
	if calls == "" && !has && m.text == "" {
		return output{}
	}
	if parse(calls, func(list *fastjson.Value) {
		for _, call := range list.GetArray() {
			m.addCall(call)
		}
	}) == cut && m.text == "" {
		return output{answer: reading{state: StateTruncated}}
	}
	out := answered(m)
	if s.kind == KindAgent && m.text != "" && !asksForTools(s.str("ai.response.finishReason")) {
		out.calls = nil
	}
	return out
}

// vercelDocuments reads documents, each of which is JSON, and keeps their places.
func vercelDocuments(s source) []Document {
	value, ok := s.get("ai.documents")
	if !ok || value.Type() != pcommon.ValueTypeSlice {
		return documentsIn(s.str("ai.documents"))
	}
	var documents []Document
	for _, item := range value.Slice().All() {
		if len(documents) == maxIndex {
			break
		}
		text := stringOf(item)
		document := Document{Text: whole(text, inInput).text}
		parse(text, func(object *fastjson.Value) {
			if object.Type() != fastjson.TypeObject {
				return
			}
			if known := readDocument(object); !blank(known.Text) {
				document = known
			}
		})
		documents = append(documents, document)
	}
	return documents
}

// vercelRanking puts the documents into their new order.
func vercelRanking(s source) output {
	value, ok := s.get("ai.ranking")
	if !ok {
		return output{}
	}
	documents := vercelDocuments(s)
	out := output{answer: whole(jsonOf(value), inOutput)}
	if value.Type() != pcommon.ValueTypeSlice {
		return out
	}
	for _, item := range value.Slice().All() {
		if len(out.documents) == len(documents) {
			break
		}
		parse(stringOf(item), func(ranked *fastjson.Value) {
			index := first(ranked, "index", "originalIndex")
			if n := index.GetInt(); index != nil && n >= 0 && n < len(documents) && !blank(documents[n].Text) {
				out.documents = append(out.documents, documents[n])
			}
		})
	}
	return out
}

// vercelText returns the text to embed, the last one of several.
func vercelText(s source) string {
	if text := s.str("ai.value"); text != "" {
		return text
	}
	value, ok := s.get("ai.values")
	if !ok || value.Type() != pcommon.ValueTypeSlice || value.Slice().Len() == 0 {
		return s.str("ai.values")
	}
	return stringOf(value.Slice().At(value.Slice().Len() - 1))
}

func kindOfVercel(operation string) Kind {
	switch {
	case operation == "":
		return ""
	case strings.HasSuffix(operation, ".doGenerate"), strings.HasSuffix(operation, ".doStream"):
		return KindLLM
	case operation == "ai.toolCall":
		return KindTool
	case strings.HasPrefix(operation, "ai.embed"):
		return KindEmbedding
	case strings.HasPrefix(operation, "ai.rerank"):
		return KindReranker
	}
	return KindAgent
}
