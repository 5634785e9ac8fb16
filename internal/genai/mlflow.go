package genai

import (
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// mlflow reads the spans of MLflow's own SDK. Every value is JSON, so that plain text stands in quotes.
type mlflow struct{}

var _ convention = mlflow{}

func (mlflow) about() about {
	return about{
		name: "mlflow",
		keys: []string{"mlflow."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			if key == "mlflow.spanType" {
				return kindOf(value.Str()), rankMLflow
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factResponseModel: {"mlflow.llm.model"},
			factRequestModel:  {"model"}, // a failing call has only the copy of the request's parameter
			factProvider:      {"mlflow.llm.provider"},
		},
		deep: mlflowFact,
	}
}

func mlflowFact(s source, f fact) string {
	switch {
	case f == factResponseID && s.kind == KindLLM:
		return s.member("mlflow.spanOutputs", "id")
	case f == factInputTokens:
		return s.member("mlflow.chat.tokenUsage", "input_tokens")
	case f == factOutputTokens:
		return s.member("mlflow.chat.tokenUsage", "output_tokens")
	case f == factCost:
		return s.member("mlflow.llm.cost", "total_cost")
	}
	return ""
}

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
