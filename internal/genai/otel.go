package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// otelAttributes reads the semantic conventions' own attributes: messages as text that holds JSON, or as the
// structured values that they really are.
type otelAttributes struct{}

var _ convention = otelAttributes{}

const nameOTel = "otel_genai"

func (otelAttributes) about() about {
	return about{
		name: nameOTel,
		keys: []string{"gen_ai."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch key {
			case "gen_ai.operation.name":
				return kindOf(value.Str()), rankOperation
			case "gen_ai.request.model":
				if value.Str() != "" {
					return KindLLM, rankModel
				}
			case "gen_ai.span.kind": // of TraceAI and Alibaba Cloud
				if value.Str() != "UNKNOWN" {
					return kindOf(value.Str()), rankFramework
				}
			case "gen_ai.request.type": // of AgentOps
				return kindOf(value.Str()), rankRequestType
			case "gen_ai.response.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
				"gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens":
				return KindLLM, rankRemains
			}
			if strings.HasPrefix(key, "gen_ai.completion.") {
				return KindLLM, rankRemains
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factResponseModel: {"gen_ai.response.model"},
			factRequestModel:  {"gen_ai.request.model"},
			factProvider:      {"gen_ai.provider.name", "gen_ai.system"},
			factResponseID:    {"gen_ai.response.id", "gen_ai.response_id"},
			factConversation:  {"gen_ai.conversation.id"},
			factUser:          {"gen_ai.user", "gen_ai.user.id"},
			factTool:          {"gen_ai.tool.name"},
			factInputTokens:   {"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "gen_ai.response.prompt_tokens"},
			factOutputTokens: {
				"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "gen_ai.response.completion_tokens",
			},
			factCost: {
				"gen_ai.usage.cost", "gen_ai.cost.total_cost", "gen_ai.usage.total_cost", "gen_ai.cost.total",
				"litellm.cost.total",
			},
			factFinish:    {"gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"},
			factStreaming: {"gen_ai.request.stream", "gen_ai.is_streaming"},
		},
	}
}

func (otelAttributes) input(s source) input {
	switch s.kind {
	case KindTool:
		if arguments, ok := s.get("gen_ai.tool.call.arguments"); ok && !isEntity(s) {
			return input{question: whole(jsonOf(arguments), inInput)}
		}
	case KindRetriever:
		if query := s.str("gen_ai.retrieval.query.text"); query != "" {
			return input{question: read(query, inInput)}
		}
	}
	var in input
	if messages, ok := s.get("gen_ai.input.messages"); ok {
		in = s.otelInput(messages)
	}
	if !s.wants(wantSystem) && in.question.known() {
		return in
	}
	if system, ok := s.get("gen_ai.system_instructions"); ok {
		if r := otelSystem(system); r.known() {
			in.system = r
		}
	}
	return in
}

func (otelAttributes) output(s source) output {
	switch s.kind {
	case KindTool:
		if result, ok := s.get("gen_ai.tool.call.result"); ok && !isEntity(s) {
			return output{answer: toolResult(jsonOf(result))}
		}
	case KindRetriever:
		if documents, ok := s.get("gen_ai.retrieval.documents"); ok {
			text := jsonOf(documents)
			return output{answer: whole(text, inOutput), documents: documentsIn(text)}
		}
	}
	if messages, ok := s.get("gen_ai.output.messages"); ok {
		out := otelOutput(messages, s.kind)
		if out.answer.state == stateEmpty { // LiteLLM has calls in the older form alone
			if older := (otelIndexed{}).output(s); len(older.calls) > 0 {
				return older
			}
		}
		return out
	}
	return output{}
}

// otelInput reads messages; where their tail is cut off, it is the last question that is lost.
func (s source) otelInput(messages pcommon.Value) input {
	var in input
	text := jsonOf(messages)
	visit := func(value *fastjson.Value) {
		if s.kind == KindTool {
			if arguments, _ := toolCalled(value); arguments != "" {
				in.question = whole(arguments, inInput)
				return
			}
		}
		in, _ = s.readRequest(value)
	}
	switch parse(text, visit) {
	case plain:
		in.question = read(text, inInput)
	case cut:
		in.question.state, in.system.state = StateTruncated, StateTruncated
	}
	return in
}

func otelSystem(system pcommon.Value) reading {
	var r reading
	text := jsonOf(system)
	switch parse(text, func(value *fastjson.Value) { r = instructions(value) }) {
	case plain: // of Traceloop
		r = read(text, inInput)
	case cut:
		r.state = StateTruncated
	}
	return r
}

func otelOutput(messages pcommon.Value, kind Kind) output {
	text := jsonOf(messages)
	if kind == KindTool {
		result := ""
		if parse(text, func(value *fastjson.Value) { _, result = toolCalled(value) }); result != "" {
			return output{answer: whole(result, inOutput)}
		}
	}
	return outputOf(text, kind)
}

// outputOf reads an answer that should stand in JSON. Of one that lost its tail the beginning is kept, but no half calls.
func outputOf(text string, kind Kind) output {
	var out output
	switch parseCut(text, func(value *fastjson.Value) { out = readResponse(value, kind) }) {
	case cut:
		out.calls = nil
		if out.answer.state != StateRedacted {
			out.answer.state = StateTruncated
		}
	default:
		if out.answer.state == "" { // of no known form
			out.answer = whole(text, inOutput)
		}
	}
	return out
}
