package genai

// plainKeys reads attributes that are called what they are, on a span that is GenAI by another sign. It is the last
// resort: of SDKs that name nothing else, and of applications that write their own spans.
type plainKeys struct{}

var _ convention = plainKeys{}

func (plainKeys) about() about {
	return about{
		name:  "plain",
		facts: map[fact][]string{factConversation: {"conversation.id", "conversation_id"}},
	}
}

func (plainKeys) input(s source) input {
	in := s.entityInput(s.firstOf("input", "inputs", "prompt", "question", "query", "messages"))
	if s.wants(wantSystem) && !in.system.known() {
		for _, key := range [...]string{"system_prompt", "system_instructions", "system_instruction"} {
			if value, ok := s.get(key); ok && !in.system.known() {
				in.system = otelSystem(value)
			}
		}
	}
	return in
}

func (plainKeys) output(s source) output {
	return s.entityOutput(s.firstOf("output", "outputs", "response", "completion", "answer", "result"))
}
