package genai

import (
	"cmp"
	"slices"
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Bounds of a flattened list: a hostile index, or a hostile number of attributes, is passed over.
const (
	maxIndex  = 10_000
	maxFields = 50_000
)

// place tells which list inside a message a flattened attribute belongs to.
type place uint8

const (
	inMessage place = iota
	inContents
	inCalls
)

// field is one flattened attribute, <prefix><message>.<name> or <prefix><message>.<list>.<item>.<name>.
type field struct {
	message int
	place   place
	item    int
	name    string
	value   string
}

// indexed is a flattened conversation: its fields in order, and where each message begins.
type indexed struct {
	fields []field
	starts []int
	parts  bool // content may be a JSON list of parts
}

// collect finds the attributes of a flattened list, which may stand in any order, with gaps. It fills the slices of
// the list that it is given, which may be on the caller's stack.
func collect(attributes pcommon.Map, prefix string, list indexed) indexed {
	sorted := true
	for key, value := range attributes.All() {
		if !strings.HasPrefix(key, prefix) || len(list.fields) == maxFields {
			continue
		}
		f, ok := fieldOf(key[len(prefix):])
		if !ok || value.Type() != pcommon.ValueTypeStr {
			continue
		}
		f.value = valid(value.Str())
		if n := len(list.fields); n > 0 && compareFields(list.fields[n-1], f) > 0 {
			sorted = false
		}
		list.fields = append(list.fields, f)
	}
	if !sorted {
		slices.SortStableFunc(list.fields, compareFields)
	}
	for n := range list.fields {
		if n == 0 || list.fields[n].message != list.fields[n-1].message {
			list.starts = append(list.starts, n)
		}
	}
	return list
}

func compareFields(a, b field) int {
	return cmp.Or(cmp.Compare(a.message, b.message), cmp.Compare(a.place, b.place), cmp.Compare(a.item, b.item))
}

// fieldOf takes a key apart. OpenInference says "message." and "tool_call.function." where others say nothing.
func fieldOf(rest string) (f field, ok bool) {
	f.message, rest, ok = cutIndex(rest)
	if !ok {
		return f, false
	}
	rest = strings.TrimPrefix(rest, "message.")
	switch {
	case strings.HasPrefix(rest, "contents."):
		f.place = inContents
		f.item, rest, ok = cutIndex(rest[len("contents."):])
		rest = strings.TrimPrefix(rest, "message_content.")
	case strings.HasPrefix(rest, "tool_calls."):
		f.place = inCalls
		f.item, rest, ok = cutIndex(rest[len("tool_calls."):])
		rest = strings.TrimPrefix(rest, "tool_call.")
		rest = strings.TrimPrefix(rest, "function.")
	}
	f.name = rest
	return f, ok
}

// cutIndex splits "12.rest".
func cutIndex(key string) (index int, rest string, ok bool) {
	for n := range len(key) {
		digit := key[n] - '0'
		if digit > 9 {
			return index, key[min(n+1, len(key)):], n > 0 && key[n] == '.'
		}
		if index = index*10 + int(digit); index > maxIndex {
			return 0, "", false
		}
	}
	return 0, "", false
}

func (list *indexed) turns() turns { return turns{flat: list} }

func (list *indexed) group(n int) []field {
	if n+1 < len(list.starts) {
		return list.fields[list.starts[n]:list.starts[n+1]]
	}
	return list.fields[list.starts[n]:]
}

// hasTail reports that the last messages survived where attributes were dropped. SDKs that drop the oldest attributes
// keep what is written after the messages, the answer above all; those that drop the newest lose that first.
func (list *indexed) hasTail(s source, answers string) bool {
	if last := len(list.starts) - 1; last < 0 || list.role(last) == roleNone {
		return false
	}
	answer := collect(s.span.Attributes(), answers, indexed{})
	return len(answer.fields) > 0
}

func (list *indexed) role(n int) role {
	for _, f := range list.group(n) {
		if f.place == inMessage && f.name == "role" {
			return roleOf(f.value)
		}
	}
	return roleNone
}

func (list *indexed) message(n int) message {
	var (
		m    = message{role: list.role(n)}
		id   string
		text string
		call ToolCall // in the words of the old single function call
	)
	fields := list.group(n)
	for _, f := range fields {
		if f.place != inMessage {
			continue
		}
		switch f.name {
		case "content", "refusal", "user": // which is the role, for content that has no other
			if text == "" {
				text = f.value
			}
		case "tool_call_id":
			id = f.value
		case "finish_reason":
			m.finish = f.value
		case "function_call.name", "function_call_name":
			call.Name = f.value
		case "function_call.arguments", "function_call_arguments_json":
			call.Arguments = f.value
		default:
			if m.role == roleTool && strings.HasPrefix(f.name, "function.") { // AutoGen numbers the results
				parse(f.value, func(value *fastjson.Value) { m.addResult(value, jsonAny(value.Get("content"))) })
			}
		}
	}
	m.calls = callsOf(fields)
	if len(m.calls) == 0 && call.Name != "" {
		m.calls = []ToolCall{call}
	}
	if m.role == roleUser && id != "" && text != "" { // Anthropic has the results of tools in what the user says
		m.results, text = []Document{{ID: id, Text: text}}, ""
	}
	// Some producers write the same text as content and as parts.
	if !list.parts || !m.readParts(text) {
		m.addText(text)
	}
	if m.text == "" {
		m.readContents(fields)
	}
	if m.role == roleTool {
		if m.text != "" {
			m.results = []Document{{ID: id, Text: m.text}}
		}
		m.text = ""
	}
	m.blank = m.hollow()
	return m
}

// callsOf puts the calls together. Without a name it is not known what was to be called.
func callsOf(fields []field) []ToolCall {
	var calls []ToolCall
	last := -1
	for _, f := range fields {
		if f.place != inCalls {
			continue
		}
		if f.item != last {
			calls = append(calls, ToolCall{})
			last = f.item
		}
		call := &calls[len(calls)-1]
		switch f.name {
		case "id":
			call.ID = f.value
		case "name":
			call.Name = f.value
		case "arguments":
			call.Arguments = f.value
			if inner, ok := unquote(f.value); ok { // OpenInference for Vercel writes JSON twice
				call.Arguments = inner
			}
		}
	}
	return slices.DeleteFunc(calls, func(c ToolCall) bool { return c.Name == "" })
}

// readContents joins the text parts of a message.
func (m *message) readContents(fields []field) {
	for n := 0; n < len(fields); {
		if fields[n].place != inContents {
			n++
			continue
		}
		var kind, text string
		item := fields[n].item
		for ; n < len(fields) && fields[n].place == inContents && fields[n].item == item; n++ {
			switch f := fields[n]; {
			case f.name == "type":
				kind = f.value
			case f.name == "text":
				text = f.value
			case strings.HasPrefix(f.name, "image") || strings.HasPrefix(f.name, "audio"):
				m.media = true
			}
		}
		switch kind {
		case "reasoning", "thinking", "tool_use", "tool_result":
		default:
			m.addText(text)
		}
	}
}

// lastIndexed returns the value of the flattened list <prefix>N.<name> with the highest index.
func lastIndexed(attributes pcommon.Map, prefix, name string) string {
	list := collect(attributes, prefix, indexed{})
	for _, f := range slices.Backward(list.fields) {
		if f.name == name {
			return f.value
		}
	}
	return ""
}
