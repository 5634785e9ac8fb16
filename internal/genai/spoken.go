package genai

import (
	"cmp"
	"slices"
	"strings"

	"github.com/valyala/fastjson"
)

// spoken puts a conversation together from events that carry a message each, as the JSON that is read of whole requests
// and responses. Where no event carried any, it is nil.
type spoken struct {
	w       writer
	said    []line // what went in
	choices []line // what came out
	loose   bool   // the events came as records, whose order tells little
	full    bool   // some had no room
}

// line is a message in the writer's JSON.
type line struct {
	role       role
	index      int  // of a choice
	finished   bool // the choice tells why the model stopped
	start, end int
	cut        bool // the message lost its tail
}

// speaker is what an event's name tells: who wrote the message, and on which side it stands.
type speaker struct {
	role role
	side side
}

// notCaptured is content that is known to have been there.
const notCaptured = `[{"type":"text"}]`

func newSpoken() *spoken { return &spoken{w: writer{left: maxValues}} }

// list joins messages to a JSON list.
func (c *spoken) list(lines []line) string {
	var b strings.Builder
	b.WriteByte('[')
	for n, one := range lines {
		if n > 0 {
			b.WriteByte(',')
		}
		b.Write(c.w.json[one.start:one.end])
	}
	b.WriteByte(']')
	return b.String()
}

// input reads what went in.
func (c *spoken) input(s source) input {
	if c == nil || len(c.said) == 0 {
		return input{}
	}
	if s.kind == KindTool {
		if arguments, ok := c.content(c.said, roleTool); ok {
			return input{question: whole(arguments, inInput)}
		}
	}
	var in input
	result := parse(c.list(c.said), func(list *fastjson.Value) { in = turns{json: list.GetArray()}.input(s.want) })
	if result == cut || c.full {
		return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
	}
	for _, one := range slices.Backward(c.said) {
		if one.role == roleUser {
			if one.cut && in.question.state == StateText {
				in.question.state = StateTruncated
			}
			break
		}
	}
	return in
}

// output reads what came out. Where no event says that it is a choice, the answer is what the assistant said last.
func (c *spoken) output(kind Kind) output {
	if c == nil {
		return output{}
	}
	lines := c.choices
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.index, b.index) })
	apart := slices.ContainsFunc(lines, func(one line) bool { return one.finished || one.index != lines[0].index })
	if len(lines) == 0 && !c.loose {
		lines = c.closing()
	}
	switch {
	case kind == KindEmbedding: // a vector is no answer
		return output{}
	case len(lines) == 0 && c.full:
		return output{answer: reading{state: StateTruncated}}
	case len(lines) == 0:
		return output{}
	}
	if kind == KindTool {
		result, _ := c.content(lines, roleNone)
		return output{answer: whole(result, inOutput)}
	}
	var out output
	result := parse(c.list(lines), func(list *fastjson.Value) {
		if kind == KindLLM && !apart { // several parts of one answer
			out = answered(together(list.GetArray()))
			return
		}
		out = turns{json: list.GetArray()}.output(kind)
	})
	if result == cut || slices.ContainsFunc(lines, func(one line) bool { return one.cut }) {
		out.calls = nil
		out.answer.state = StateTruncated
	}
	return out
}

// closing returns the assistant's messages after which nobody said anything.
func (c *spoken) closing() []line {
	n := len(c.said)
	for n > 0 && c.said[n-1].role == roleAssistant {
		n--
	}
	return c.said[n:]
}

// together makes one message of several that are parts of one answer.
func together(list []*fastjson.Value) message {
	all := message{role: roleAssistant}
	for _, value := range list {
		m := readMessage(open(value))
		all.addText(m.text)
		all.calls = append(all.calls, m.calls...)
		all.finish = cmp.Or(m.finish, all.finish)
		all.media, all.blank, all.empty = all.media || m.media, all.blank || m.blank, all.empty || m.empty
	}
	return all
}

// content returns the content of the last message of a role, or of any: a tool's arguments, or what it gave back.
func (c *spoken) content(lines []line, who role) (text string, ok bool) {
	for _, one := range slices.Backward(lines) {
		if who != roleNone && one.role != who {
			continue
		}
		parse(string(c.w.json[one.start:one.end]), func(message *fastjson.Value) {
			value := first(message, "content")
			if text, ok = jsonAny(value), value != nil; value != nil && value.Type() == fastjson.TypeArray {
				text = resultText(value)
			}
		})
		if text == notCaptured {
			return "", false
		}
		return text, ok
	}
	return "", false
}
