package genai

import (
	"strings"

	"github.com/valyala/fastjson"
)

// geminiCLI reads the spans of Gemini CLI, which have the semantic conventions' keys and other things in them: pieces
// of a streamed answer as messages, the call of a tool with all around it, and JSON that ends in a word on its length.
// Its log records call the model's messages those of the system.
type geminiCLI struct{}

var _ convention = geminiCLI{}

func (geminiCLI) about() about { return about{name: "gemini_cli", keys: []string{"gen_ai."}} }

func (geminiCLI) input(s source) input {
	if s.str("gen_ai.agent.name") != "gemini-cli" {
		return input{}
	}
	text, cutShort := beforeCut(s.str("gen_ai.input.messages"))
	var in input
	switch s.kind {
	case KindTool:
		parseCut(text, func(call *fastjson.Value) { in.question = read(jsonAny(call.Get("args")), inInput) })
	case KindChain:
		in.question = whole(text, inInput)
	case KindAgent:
		in = s.entityInput(text)
	}
	if cutShort && in.question.known() {
		in.question.state = StateTruncated
	}
	return in
}

func (geminiCLI) output(s source) output {
	if s.str("gen_ai.agent.name") != "gemini-cli" {
		return output{}
	}
	if out := geminiOutput(s.str("gen_ai.output.messages"), s.kind); out.answer.known() {
		return out
	}
	for attributes := range details(s) {
		if messages, ok := attributes.Get("gen_ai.output.messages"); ok {
			if out := geminiOutput(jsonOf(messages), s.kind); out.answer.known() {
				return out
			}
		}
	}
	return output{}
}

func geminiOutput(messages string, kind Kind) output {
	text, cutShort := beforeCut(messages)
	var out output
	result := parseCut(text, func(value *fastjson.Value) {
		switch kind {
		case KindLLM:
			out = joinedAnswer(value)
		case KindTool:
			out.answer = read(geminiResult(value), inOutput)
		case KindAgent:
			var m message
			m.readContentValue(first(value, "llmContent", "returnDisplay"))
			out = answered(m)
		default:
			out.answer = whole(text, inOutput)
		}
	})
	if result == plain {
		out.answer = read(text, inOutput)
	}
	if (cutShort || result == cut) && out.answer.known() {
		out.calls, out.answer.state = nil, StateTruncated
	}
	return out
}

// joinedAnswer puts the pieces of a streamed answer together, spaces and all: messages with parts, or one with many.
func joinedAnswer(value *fastjson.Value) output {
	pieces := value.GetArray()
	if pieces == nil {
		pieces = []*fastjson.Value{value}
	}
	var (
		m    message
		text strings.Builder
	)
	for _, piece := range pieces {
		if finish := jsonText(piece.Get("finish_reason")); finish != "" {
			m.finish = finish
		}
		for _, part := range first(piece, "parts", "content").GetArray() {
			content := first(part, "text", "content")
			switch kind := string(part.GetStringBytes("type")); {
			case part.GetBool("thought"), kind == "reasoning":
			case content != nil && (kind == "" || kind == "text"):
				text.WriteString(jsonText(content))
				m.empty = true // if nothing comes of it
			default:
				m.readPart(part)
			}
		}
	}
	m.text = text.String() + m.text
	return answered(m)
}

// geminiResult finds what a tool gave back among what is known of its call.
func geminiResult(call *fastjson.Value) string {
	var m message
	m.readContentValue(call.Get("response", "responseParts"))
	if len(m.results) == 0 {
		return jsonAny(call.Get("response", "resultDisplay"))
	}
	text := m.results[0].Text
	parse(text, func(value *fastjson.Value) {
		if object := value.GetObject(); object != nil && soleText(object) != "" {
			text = soleText(object)
		}
	})
	return text
}

// beforeCut returns what stands before the word on a value's length, if that is all of it that was kept.
func beforeCut(text string) (kept string, cutShort bool) {
	const (
		mark    = "...[TRUNCATED"
		longest = len(mark) + 64
	)
	tail := max(0, len(text)-longest)
	if at := strings.LastIndex(text[tail:], mark); at >= 0 && strings.HasSuffix(text, "]") {
		return text[:tail+at], true
	}
	return text, false
}
