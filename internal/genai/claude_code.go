package genai

import "strings"

// claudeCode reads the spans of Claude Code, and of Qwen Code, which says what was said in the same keys. A request to
// the model has only what came since the one before it, in sections that each have a label. The answer of a whole
// interaction is in log records.
type claudeCode struct{}

var _ convention = claudeCode{}

func (claudeCode) about() about {
	return about{
		name: "claude_code",
		keys: []string{keySpanType, "qwen-code."},
		kind: kindBySpanType,
		facts: map[fact][]string{
			factRequestModel: {"model", "qwen-code.model"},
			factTool:         {"tool_name"},
			factInputTokens:  {"input_tokens"},
			factOutputTokens: {"output_tokens"},
			factFinish:       {"stop_reason"},
		},
	}
}

const (
	claudeCodeEvent    = "claude_code."
	claudeCodePrompt   = "user_prompt"
	claudeCodeResponse = "assistant_response"
)

func isClaudeCode(scope, name string) bool {
	return scope == "com.anthropic.claude_code.events" && (name == claudeCodePrompt || name == claudeCodeResponse)
}

func (claudeCode) input(s source) input {
	switch s.kind {
	case KindTool:
		text := s.labelled("tool_input")
		if text == "" {
			text = s.firstOf("full_command", "file_path", "skill_name", "subagent_type")
		}
		return input{question: s.unlessMarked(whole(text, inInput), "tool_input")}
	case KindAgent:
		if prompt := s.str("user_prompt"); prompt != "" {
			return input{question: read(prompt, inInput)}
		}
		if prompt := s.loggedLast(claudeCodePrompt, "prompt"); prompt != "" {
			return input{question: read(prompt, inInput)}
		}
	}
	in := s.newContext()
	if s.wants(wantSystem) {
		in.system = read(s.firstOf("user_system_prompt", "system_prompt"), inInput)
		if !in.system.known() {
			in.system = s.preview()
		}
	}
	return in
}

func (claudeCode) output(s source) output {
	switch s.kind {
	case KindTool:
		return output{answer: s.toolOutput()}
	case KindAgent:
		return output{answer: read(s.loggedLast(claudeCodeResponse, "response"), inOutput)}
	}
	m := message{text: s.str("response.model_output")}
	if m.text != "" {
		out := answered(m)
		out.answer = s.unlessMarked(out.answer, "response.model_output")
		return out
	}
	// That a tool was called is told even if content is not.
	if called, ok := s.get("response.has_tool_call"); ok && called.Bool() && s.str("system_prompt_hash") != "" {
		return output{answer: reading{state: StateToolCallOnly}}
	}
	return output{}
}

// newContext reads what was said to the model since the request before: by the user, or by tools.
func (s source) newContext() input {
	const key = "new_context"
	var in input
	text := s.str(key)
	if len(text) > maxText {
		return input{question: reading{state: StateTruncated}}
	}
	for text != "" {
		var section string
		section, text = cutSection(text)
		name, body, _ := cutLabel(section)
		if id, ok := strings.CutPrefix(name, "TOOL RESULT: "); ok {
			in.results = append(in.results, Document{ID: valid(id), Text: valid(body)})
		} else {
			in.question = s.unlessMarked(read(body, inInput), key)
		}
	}
	return in
}

// cutSection splits off the first section. Another one begins with a label; a border without one stood in the text.
func cutSection(text string) (section, rest string) {
	const border = "\n\n---\n\n"
	for at := 0; ; {
		next := strings.Index(text[at:], border)
		if next < 0 {
			return text, ""
		}
		at += next + len(border)
		if _, _, ok := cutLabel(text[at:]); ok {
			return text[:at-len(border)], text[at:]
		}
	}
}

// cutLabel splits a section into its label, which says who spoke, and what was said.
func cutLabel(section string) (name, body string, ok bool) {
	for _, label := range [...]string{"[USER", "[TOOL INPUT: ", "[TOOL RESULT: "} {
		if !strings.HasPrefix(section, label) {
			continue
		}
		if head, body, _ := strings.Cut(section, "\n"); strings.HasSuffix(head, "]") {
			return head[1 : len(head)-1], body, true
		}
	}
	return "", section, false
}

// labelled returns an attribute's text without its label.
func (s source) labelled(key string) string {
	_, body, _ := cutLabel(s.str(key))
	return body
}

// toolOutput prefers what the tool gave as text to a rendering of its result.
func (s source) toolOutput() reading {
	for event := range s.events() {
		if event.name != "tool.output" {
			continue
		}
		for _, key := range [...]string{"output", "content", "diff"} {
			if value, ok := event.attributes.Get(key); ok {
				if r := whole(stringOf(value), inOutput); r.known() {
					return r
				}
			}
		}
	}
	for _, key := range [...]string{"tool_result", "new_context"} {
		if r := whole(s.labelled(key), inOutput); r.known() {
			return s.unlessMarked(r, key)
		}
	}
	return reading{}
}

// preview is the beginning of a system prompt, of which only the length is told beside it.
func (s source) preview() reading {
	r := read(s.str("system_prompt_preview"), inInput)
	if length, ok := s.get("system_prompt_length"); ok && r.state == StateText && length.Int() > int64(len(r.text)) {
		r.state = StateTruncated
	}
	return r
}

// unlessMarked doubts a text that the producer says it has cut.
func (s source) unlessMarked(r reading, key string) reading {
	if value, ok := s.get(key + "_truncated"); ok && value.Bool() && r.state == StateText {
		r.state = StateTruncated
	}
	return r
}

// loggedLast returns the attribute of the last log record of a name.
func (s source) loggedLast(name, key string) (text string) {
	for event := range s.events() {
		if !event.record || event.name != claudeCodeEvent+name {
			continue
		}
		if value, ok := event.attributes.Get(key); ok {
			text = stringOf(value)
		}
	}
	return text
}
