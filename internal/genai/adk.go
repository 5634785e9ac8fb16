package genai

import (
	"cmp"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// adk reads the payloads that Google's Agent Development Kit writes: requests and responses of Gemini, in camel case,
// in Python's snake case or with the names of Go's fields. "{}" stands for what is not there, or must not be captured.
type adk struct{}

var _ convention = adk{}

func (adk) about() about {
	return about{
		name: "google_adk",
		keys: []string{"gcp.vertex.agent."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			text := value.Str()
			if text == "" || text == "{}" { // ADK writes both payloads on its tool spans, too
				return "", unranked
			}
			switch key {
			case "gcp.vertex.agent.llm_request":
				return KindLLM, rankVendor
			case "gcp.vertex.agent.tool_call_args", "gcp.vertex.agent.tool_response":
				return KindTool, rankVendor
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factConversation: {"gcp.vertex.agent.session_id"},
			factInputTokens:  {"gen_ai.response.prompt_token_count"},
			factOutputTokens: {"gen_ai.response.candidates_token_count"},
		},
		deep: adkFact,
	}
}

// adkFact looks into the payloads for what older versions wrote nowhere else.
func adkFact(s source, f fact) (text string) {
	if s.kind != KindLLM {
		return ""
	}
	look := func(value *fastjson.Value) {
		usage := first(value, "usageMetadata", "usage_metadata", "UsageMetadata")
		var found *fastjson.Value
		switch f {
		case factRequestModel:
			found = first(value, "model")
		case factInputTokens:
			found = first(usage, "promptTokenCount", "prompt_token_count")
		case factOutputTokens:
			found = first(usage, "candidatesTokenCount", "candidates_token_count")
		case factFinish:
			found = first(value, "finishReason", "finish_reason", "FinishReason")
		}
		text = jsonAny(found)
	}
	switch f {
	case factRequestModel:
		parse(s.str("gcp.vertex.agent.llm_request"), look)
	case factInputTokens, factOutputTokens, factFinish:
		parse(s.str("gcp.vertex.agent.llm_response"), look)
	}
	return text
}

func (adk) input(s source) input {
	text := s.str("gcp.vertex.agent.llm_request")
	switch s.kind {
	case KindTool:
		return input{question: quoted(s.str("gcp.vertex.agent.tool_call_args"), inInput)}
	case KindLLM:
	case KindChain: // what is sent on a live connection
		text = s.str("gcp.vertex.agent.data")
	default:
		return input{}
	}
	if text == "{}" {
		return input{}
	}
	var in input
	visit := func(value *fastjson.Value) {
		if contents := value.GetArray("content"); contents != nil { // Go
			value.Set("contents", value.Get("content"))
		}
		in, _ = s.readRequest(value)
	}
	switch parse(text, visit) {
	case plain: // a placeholder
		in.question = read(text, inInput)
	case cut:
		in.question.state, in.system.state = StateTruncated, StateTruncated
	}
	return in
}

func (adk) output(s source) output {
	switch s.kind {
	case KindTool:
		return output{answer: adkResult(s.str("gcp.vertex.agent.tool_response"))}
	case KindLLM:
		text := s.str("gcp.vertex.agent.llm_response")
		if text == "{}" {
			return output{}
		}
		var out output
		switch parseCut(text, func(value *fastjson.Value) { out = adkResponse(value) }) {
		case plain:
			out.answer = read(text, inOutput)
		case cut:
			out.calls = nil
			out.answer.state = StateTruncated
		}
		return out
	}
	return output{}
}

// adkResponse reads a response. Without content it tells at least why the model stopped.
func adkResponse(value *fastjson.Value) output {
	if first(value, "candidates") != nil {
		return readResponse(value, KindLLM)
	}
	m := message{role: roleAssistant}
	m.readContentValue(first(value, "content", "Content"))
	if m.text == "" { // what was spoken
		spoken := first(value, "outputTranscription", "output_transcription", "OutputTranscription")
		m.addText(jsonText(first(spoken, "text")))
	}
	m.finish = jsonText(first(value, "finishReason", "finish_reason", "FinishReason"))
	if m.finish == "" {
		m.finish = jsonText(first(value, "errorCode", "error_code", "ErrorCode"))
	}
	return answered(m)
}

// adkResult reads what a tool gave back. The first versions wrote the whole event around it.
func adkResult(text string) reading {
	r := quoted(text, inOutput)
	var m message
	parse(text, func(value *fastjson.Value) {
		if jsonText(first(value, "result")) == "<not specified>" {
			r = reading{state: StateNotCaptured}
			return
		}
		m.readContentValue(first(value, "content", "Content"))
	})
	if len(m.results) > 0 {
		r.text = cmp.Or(m.results[0].Text, r.text)
	}
	return r
}
