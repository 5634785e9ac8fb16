package genai

import "github.com/valyala/fastjson"

// mlflow reads the spans of MLflow's own SDK. Every value is JSON, so that plain text stands in quotes.
type mlflow struct{}

var _ convention = mlflow{}

func (mlflow) input(s source) input {
	text := s.str("mlflow.spanInputs")
	if s.kind != KindLLM && s.kind != KindAgent {
		return input{question: quoted(text, inInput)}
	}
	var in input
	known := false
	if parse(text, func(value *fastjson.Value) { in, known = s.readRequest(value) }) == cut {
		return input{question: reading{state: StateTruncated}, system: reading{state: StateTruncated}}
	}
	if !known {
		in.question = quoted(text, inInput)
	}
	return in
}

func (mlflow) output(s source) output {
	text := s.str("mlflow.spanOutputs")
	switch s.kind {
	case KindEmbedding: // a vector is no answer
		return output{}
	case KindRetriever:
		return output{answer: quoted(text, inOutput), documents: documentsIn(text)}
	case KindLLM, KindAgent:
		return outputOf(text, s.kind)
	}
	return output{answer: quoted(text, inOutput)}
}

// quoted is whole for a value that must be JSON: what is not closed at its end was cut.
func quoted(text string, at side) reading {
	r := whole(text, at)
	if r.state == StateText && looksCut(text) {
		r.state = StateTruncated
	}
	return r
}
