package genai

// traceAI reads Future AGI's flattened messages, which have the semantic conventions' keys and OpenInference's form.
// The raw values beside them, where they are OpenInference's as well, hold only part of the request.
type traceAI struct{}

var _ convention = traceAI{}

const (
	flatInput  = "gen_ai.input.messages."
	flatOutput = "gen_ai.output.messages."
)

func (traceAI) about() about {
	return about{
		name: "traceai",
		keys: []string{"gen_ai."},
	}
}

func (traceAI) input(s source) input {
	in, _ := s.indexedInput(flatInput, flatOutput)
	return in
}

func (traceAI) output(s source) output {
	out, _ := s.indexedOutput(flatOutput)
	return out
}
