package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// pydanticAI reads what PydanticAI and Logfire write beside the semantic conventions: the messages of a whole run, the
// former events as an attribute, and Logfire's requests and responses.
type pydanticAI struct{}

var _ convention = pydanticAI{}

func (pydanticAI) about() about {
	return about{
		name: "pydantic_ai",
		keys: []string{
			"pydantic_ai.", "final_result", "all_messages_events", "events", "tool_arguments", "tool_response",
			"model_request_parameters", "operation.cost", "request_data", "response_data", "logfire.msg_template",
		},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch key {
			case "logfire.msg_template":
				return kindOfLogfire(value.Str()), rankVendor
			case "pydantic_ai.all_messages", "all_messages_events":
				return KindAgent, rankVendor
			case "tool_arguments", "tool_response":
				return KindTool, rankVendor
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factInputTokens:  {"gen_ai.aggregated_usage.input_tokens"},
			factOutputTokens: {"gen_ai.aggregated_usage.output_tokens"},
			factCost:         {"operation.cost"},
		},
		deep: logfireFact,
	}
}

// kindOfLogfire goes by the names that Logfire's first versions gave to calls of models, when nothing else told.
func kindOfLogfire(template string) Kind {
	switch {
	case !strings.Contains(template, "{request_data[model]!r}"):
		return ""
	case strings.HasPrefix(template, "Embedding"):
		return KindEmbedding
	}
	return KindLLM
}

// logfireFact looks into the request and the response.
func logfireFact(s source, f fact) (text string) {
	switch f {
	case factRequestModel:
		return s.member("request_data", "model")
	case factInputTokens, factOutputTokens:
		parse(s.str("response_data"), func(value *fastjson.Value) {
			usage := first(value, "usage")
			if f == factInputTokens {
				text = jsonAny(first(usage, "prompt_tokens", "input_tokens"))
			} else {
				text = jsonAny(first(usage, "completion_tokens", "output_tokens"))
			}
		})
	}
	return text
}

func (pydanticAI) input(s source) input {
	if arguments := s.str("tool_arguments"); arguments != "" && s.kind == KindTool {
		return input{question: quoted(arguments, inInput)}
	}
	if text := s.str("pydantic_ai.all_messages"); text != "" {
		var in input
		if parse(text, func(value *fastjson.Value) { in = s.pydanticRun(value.GetArray()) }) == cut {
			return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
		}
		return in
	}
	if c, whole := s.pydanticEvents(); c != nil {
		if !whole { // the question is what is missing
			return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
		}
		return c.input(s)
	}
	var in input
	visit := func(value *fastjson.Value) {
		if first(value, "messages", "prompt", "input", "contents") != nil { // not only the parameters
			in, _ = s.readRequest(value)
		}
	}
	if parse(s.str("request_data"), visit) == cut {
		in.question.state, in.system.state = StateTruncated, StateTruncated
	}
	return in
}

// pydanticRun reads the messages of an agent: what the run was asked, not what it told itself later on.
func (s source) pydanticRun(list []*fastjson.Value) input {
	n := s.pydanticAsked(list)
	if n < 0 {
		return turns{json: list}.input(s.want)
	}
	in := turns{json: list[:n+1]}.input(s.want)
	for _, later := range list[n+1:] {
		in.results = append(in.results, readMessage(open(later)).results...)
	}
	return in
}

// pydanticAsked returns the place of the question: the first thing said in this run, else, where it is not known where
// that begins, the last thing that is no wish to try again.
func (s source) pydanticAsked(list []*fastjson.Value) int {
	begin, known := s.pydanticNew(list)
	asked := -1
	for n := begin; n < len(list); n++ {
		body, who := open(list[n])
		if who != roleUser {
			continue
		}
		r := said(readMessage(body, who))
		if r.state == "" || strings.HasSuffix(r.text, "Fix the errors and try again.") {
			continue
		}
		if asked = n; known {
			break
		}
	}
	return asked
}

// pydanticNew returns where this run begins behind the messages of earlier ones, if the span tells. These are counted
// as PydanticAI does, to whom all that is said before the model answers is one message.
func (s source) pydanticNew(list []*fastjson.Value) (begin int, known bool) {
	index, ok := s.get("pydantic_ai.new_message_index")
	if !ok {
		return 0, false
	}
	count, answered := int64(-1), true
	for n, value := range list {
		_, who := open(value)
		if answer := who == roleAssistant; answer || answered {
			count, answered = count+1, answer
		}
		if count >= index.Int() {
			return n, true
		}
	}
	return len(list), true
}

func (pydanticAI) output(s source) output {
	if s.kind == KindTool {
		return output{answer: quoted(s.str("tool_response"), inOutput)}
	}
	if result := s.str("final_result"); !blank(result) {
		return output{answer: read(result, inOutput)}
	}
	if text := s.str("pydantic_ai.all_messages"); text != "" {
		return pydanticAnswer(text, s)
	}
	if c, whole := s.pydanticEvents(); c != nil {
		out := c.output(s.kind)
		if !whole {
			out.calls, out.answer.state = nil, StateTruncated
		}
		return out
	}
	var out output
	if parseCut(s.str("response_data"), func(value *fastjson.Value) { out = logfireResponse(value, s.kind) }) == cut {
		out.calls, out.answer.state = nil, StateTruncated
	}
	return out
}

// pydanticAnswer reads the answer of a run of which only the messages are known.
func pydanticAnswer(text string, s source) output {
	var out output
	result := parseCut(text, func(value *fastjson.Value) {
		list := value.GetArray()
		begin, _ := s.pydanticNew(list)
		out = turns{json: list[begin:]}.output(KindAgent)
	})
	if out.answer.state == StateToolCallOnly && out.calls[0].Arguments == "" { // the result, which is not captured
		out.answer.state = StateNotCaptured
	}
	if result == cut {
		out.calls, out.answer.state = nil, StateTruncated
	}
	return out
}

// pydanticEvents reads a list of the former events; nil means that there is none.
func (s source) pydanticEvents() (c *spoken, whole bool) {
	for _, key := range [...]string{"all_messages_events", "events"} {
		value, ok := s.get(key)
		if !ok {
			continue
		}
		c = newSpoken()
		result := parseCut(jsonOf(value), func(list *fastjson.Value) {
			for _, body := range list.GetArray() {
				if by, ok := speakerOf(string(body.GetStringBytes("event.name"))); ok {
					c.addBody(body, by)
				}
			}
		})
		if len(c.said)+len(c.choices) > 0 {
			return c, result != cut
		}
	}
	return nil, true
}

// logfireResponse reads what Logfire keeps of a response. Of a stream it is the text alone.
func logfireResponse(value *fastjson.Value, kind Kind) output {
	if combined := value.Get("combined_chunk_content"); combined != nil {
		m := message{role: roleAssistant}
		m.addCaptured(combined)
		return answered(m)
	}
	if kind == KindEmbedding || first(value, "message", "text", "output", "choices") == nil { // only the usage
		return output{}
	}
	return readResponse(value, kind)
}
