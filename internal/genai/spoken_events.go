package genai

import (
	"strings"

	"github.com/valyala/fastjson"
)

// add takes the message that an event carries: in its body, in an attribute that stands for the body, or in the
// attributes themselves.
func (c *spoken) add(e event, by speaker) *spoken {
	if c == nil {
		c = newSpoken()
	}
	if c.loose = c.loose || e.record; !c.room() {
		return c
	}
	content, ok := e.attributes.Get("gen_ai.event.content") // Semantic Kernel, Azure
	if !ok {
		content = e.body
	}
	if text := jsonOf(content); text != "" && text != e.name {
		c.addText(text, by)
	} else {
		c.addAttributes(e, by)
	}
	return c
}

// room reports whether there is room for one more message.
func (c *spoken) room() bool {
	c.full = c.full || len(c.w.json) > maxText || len(c.said)+len(c.choices) >= maxEvents
	return !c.full
}

// addText takes a body that is JSON, or else the content itself.
func (c *spoken) addText(text string, by speaker) {
	known := len(c.said) + len(c.choices)
	switch result := parse(text, func(body *fastjson.Value) { c.addBody(body, by) }); {
	case result == parsed:
		return
	case result == cut && mayBeMessages(text):
		if rest, ok := salvage(text); ok {
			parse(rest, func(body *fastjson.Value) { c.addBody(body, by) })
		}
		if len(c.said)+len(c.choices) > known {
			c.last(by).cut = true
			return
		}
	}
	c.addPlain(text, by)
}

func (c *spoken) addPlain(text string, by speaker) {
	one := c.begin(by.role)
	c.w.json = append(c.w.json, `,"content":`...)
	c.w.string(text)
	c.end(one, by)
}

// mayBeMessages tells JSON that lost its tail from a text that begins with a bracket.
func mayBeMessages(text string) bool {
	return strings.HasPrefix(text, `{"`) || strings.HasPrefix(text, `[{`)
}

func (c *spoken) last(by speaker) *line {
	if by.side == inOutput {
		return &c.choices[len(c.choices)-1]
	}
	return &c.said[len(c.said)-1]
}

// addBody takes a body in the words of the semantic conventions, or of those who came near them: a choice that holds a
// message, a message alone, its content alone, or several messages.
func (c *spoken) addBody(body *fastjson.Value, by speaker) {
	switch body.Type() {
	case fastjson.TypeObject:
		inner := body
		if message := first(body, "message"); by.side == inOutput && message != nil {
			inner = message
		}
		if inner.Type() == fastjson.TypeObject {
			c.addMessage(inner, body, by)
			return
		}
		c.addContent(inner, body, by)
	case fastjson.TypeArray:
		list := body.GetArray()
		if conversation, ok := isConversation(list); ok {
			for _, message := range conversation {
				c.addMessage(message, message, by)
			}
			return
		}
		c.addContent(body, body, by)
	default:
		c.addContent(body, body, by)
	}
}

func (c *spoken) addContent(content, body *fastjson.Value, by speaker) {
	message := c.w.keep.NewObject()
	message.Set("content", content)
	c.addMessage(message, body, by)
}

// addMessage completes a message with what the event's name and the body around it tell.
func (c *spoken) addMessage(message, body *fastjson.Value, by speaker) {
	if !c.room() {
		return
	}
	who := roleOf(string(message.GetStringBytes("role")))
	if who == roleNone { // Gemini's content has a role of its own
		who = roleOf(string(message.GetStringBytes("content", "role")))
	}
	if who == roleNone || who == roleOther || by.role == roleTool || by.role == roleSystem {
		who = by.role
	}
	message.Set("role", c.w.keep.NewString(who.String()))
	finish := jsonText(first(message, "finish_reason"))
	if by.side == inOutput && finish == "" {
		finish = jsonText(first(body, "finish_reason"))
		message.Set("finish_reason", c.w.keep.NewString(finish))
	}
	if first(message, "tool_calls") == nil {
		if calls := first(body, "tool_calls"); calls != nil { // Traceloop
			message.Set("tool_calls", calls)
		}
	}
	if first(message, "content", "parts", "text", "refusal", "tool_calls", "function_call") == nil && !asksForTools(finish) {
		part := c.w.keep.NewObject()
		part.Set("type", c.w.keep.NewString("text"))
		content := c.w.keep.NewArray()
		content.SetArrayItem(0, part)
		message.Set("content", content)
	}
	one := line{role: who, index: body.GetInt("index"), finished: finish != "", start: len(c.w.json)}
	c.w.json = message.MarshalTo(c.w.json)
	c.w.keep.Reset()
	c.put(one, by)
}

// addAttributes takes a message whose members are the event's attributes. Content may be JSON within text, of the blocks
// that Strands shares with Bedrock.
func (c *spoken) addAttributes(e event, by speaker) {
	who := by.role
	if role := roleOf(attributeOf(e, "role")); by.role == roleUser && role != roleNone && role != roleOther {
		who = role
	}
	one := c.begin(who)
	one.finished = attributeOf(e, "finish_reason") != ""
	if index, ok := e.attributes.Get("index"); ok {
		one.index = int(index.Int())
	}
	c.w.json = append(c.w.json, `,"content":`...)
	if content, ok := contentOf(e); !ok {
		c.w.json = append(c.w.json, notCaptured...)
	} else if blocks, cutOff := blocksIn(content); blocks != "" {
		c.w.json = append(c.w.json, blocks...)
		one.cut = cutOff
	} else {
		c.w.string(content)
	}
	for _, key := range [...]string{"id", "finish_reason"} {
		if text := attributeOf(e, key); text != "" {
			c.w.json = append(append(append(c.w.json, `,"`...), key...), `":`...)
			c.w.string(text)
		}
	}
	c.end(one, by)
}

func attributeOf(e event, key string) string {
	value, _ := e.attributes.Get(key)
	return value.Str()
}

func contentOf(e event) (text string, ok bool) {
	for _, key := range [...]string{"content", "message"} {
		if value, has := e.attributes.Get(key); has {
			return jsonOf(value), true
		}
	}
	return "", false
}

// begin and end write an object around members that are written between them.
func (c *spoken) begin(who role) line {
	one := line{role: who, start: len(c.w.json)}
	c.w.json = append(append(append(c.w.json, `{"role":"`...), who.String()...), '"')
	return one
}

func (c *spoken) end(one line, by speaker) {
	c.w.json = append(c.w.json, '}')
	c.put(one, by)
}

func (c *spoken) put(one line, by speaker) {
	one.end = len(c.w.json)
	if by.side == inOutput {
		c.choices = append(c.choices, one)
		return
	}
	c.said = append(c.said, one)
}

// blocksIn returns content that is a JSON list of blocks, closed where it was cut, or "".
func blocksIn(text string) (blocks string, cutOff bool) {
	if !strings.HasPrefix(text, "[{") {
		return "", false
	}
	known := false
	visit := func(value *fastjson.Value) { known = isParts(value) || isBlocks(value) }
	if parse(text, visit) == cut {
		cutOff = true
		if rest, ok := salvage(text); ok {
			text = rest
			parse(text, visit)
		}
	}
	if !known {
		return "", false
	}
	return text, cutOff
}

// isBlocks tells the blocks of Bedrock, which have one member each or, in JavaScript, a type, from a list that somebody
// wrote.
func isBlocks(value *fastjson.Value) bool {
	list := value.GetArray()
	for _, block := range list {
		switch string(block.GetStringBytes("type")) {
		case "toolUse", "toolResult", "textBlock", "toolUseBlock", "toolResultBlock", "reasoningBlock", "cachePointBlock":
			continue
		}
		if members := block.GetObject(); members == nil || members.Len() != 1 || first(block, "text", "toolUse", "toolResult", "image", "document", "video", "json",
			"reasoningContent", "guardContent", "cachePoint", "citationsContent") == nil {
			return false
		}
	}
	return len(list) > 0
}
