package main

import (
	"encoding/json"
	"io"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor"
)

// line is a span in the format json. What is not there is null.
type line struct {
	SpanID         string      `json:"span_id"`
	Kind           genai.Kind  `json:"kind"`
	Convention     *string     `json:"convention"`
	Question       *string     `json:"question"`
	Answer         *string     `json:"answer"`
	System         *string     `json:"system"`
	ToolCalls      []toolCall  `json:"tool_calls"`
	Documents      []string    `json:"documents"`
	Model          *string     `json:"model"`
	Provider       *string     `json:"provider"`
	InputTokens    *int64      `json:"input_tokens"`
	OutputTokens   *int64      `json:"output_tokens"`
	ResponseID     *string     `json:"response_id"`
	ConversationID *string     `json:"conversation_id"`
	States         *states     `json:"states"`
	Evaluators     []evaluator `json:"evaluators"`
}

type toolCall struct {
	Name string `json:"name"`
	// Arguments is JSON text, as the model wrote it.
	Arguments string `json:"arguments"`
}

type states struct {
	Question genai.State `json:"question"`
	Answer   genai.State `json:"answer"`
}

type evaluator struct {
	Name        string          `json:"name"`
	Type        string          `json:"type"`
	Scope       string          `json:"scope"`
	Runs        bool            `json:"runs"`
	Reason      *string         `json:"reason"`
	State       *string         `json:"state"`
	Rule        *string         `json:"rule"`
	Probability *float64        `json:"probability"`
	Rate        *float64        `json:"rate"`
	Calls       *int            `json:"calls"`
	Tokens      *int64          `json:"tokens"`
	USD         *float64        `json:"usd"`
	Value       json.RawMessage `json:"value"`
	Rationale   *string         `json:"rationale"`
	Error       *string         `json:"error"`
}

// writeJSON writes one JSON object a line, in the order of the spans.
func writeJSON(w io.Writer, explained []feedbackprocessor.Explanation, _ float64) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for i := range explained {
		if err := encoder.Encode(newLine(&explained[i])); err != nil {
			return err
		}
	}
	return nil
}

func newLine(explained *feedbackprocessor.Explanation) line {
	i := explained.Interaction
	l := line{SpanID: explained.Span.SpanID().String(), Kind: i.Kind()}
	if i.Kind() == genai.KindOther {
		return l
	}
	question, asked := i.Text(genai.PartQuestion)
	answer, answered := i.Text(genai.PartAnswer)
	system, instructed := i.Text(genai.PartSystem)
	l.States = &states{asked, answered}
	l.Convention = some(conventionOf(i))
	l.Question, l.Answer, l.System = textOf(question, asked), textOf(answer, answered), textOf(system, instructed)
	for _, call := range i.ToolCalls() {
		l.ToolCalls = append(l.ToolCalls, toolCall{call.Name, call.Arguments})
	}
	for _, document := range i.Documents() {
		l.Documents = append(l.Documents, document.Text)
	}
	l.Model, l.Provider = some(i.Model()), some(i.Provider())
	l.ResponseID, l.ConversationID = some(i.ResponseID()), some(i.ConversationID())
	if n, ok := i.InputTokens(); ok {
		l.InputTokens = &n
	}
	if n, ok := i.OutputTokens(); ok {
		l.OutputTokens = &n
	}
	for _, outcome := range explained.Evaluators {
		l.Evaluators = append(l.Evaluators, newEvaluator(&outcome))
	}
	return l
}

func newEvaluator(o *feedbackprocessor.Outcome) evaluator {
	e := evaluator{
		Name: o.Name, Type: string(o.Type), Scope: string(o.Scope), Runs: o.Runs,
		Reason: some(o.Reason), State: some(string(o.State)), Rule: some(o.Rule),
		Rationale: some(o.Rationale), Error: some(o.Failed),
	}
	if o.Probability > 0 {
		e.Probability, e.Rate = &o.Probability, &o.Rate
	}
	if o.Calls > 0 {
		e.Calls, e.Tokens = &o.Calls, &o.Tokens
	}
	if o.USD > 0 {
		e.USD = &o.USD
	}
	if o.Value != "" {
		e.Value = json.RawMessage(o.Value)
	}
	return e
}

// conventionOf is the convention of the answer, else of the question, else the one that told the kind.
func conventionOf(i *genai.Interaction) string {
	for _, part := range []genai.Part{genai.PartAnswer, genai.PartQuestion} {
		if name := i.Convention(part); name != "" {
			return name
		}
	}
	return i.KindConvention()
}

// textOf is a part that has text, be it cut or empty.
func textOf(text string, state genai.State) *string {
	if state == genai.StateText || text != "" {
		return &text
	}
	return nil
}

func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
