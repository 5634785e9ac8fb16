package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

const toolArgumentsKey = "tool_arguments"

// ToolArgumentsConfig holds when each tool that the answer calls is defined on the subject, and its arguments are a JSON
// object that follows the definition's JSON Schema in type, enum, const, required, properties, additionalProperties,
// items, anyOf, oneOf, allOf and $ref; other keywords are not looked at. An answer without calls, and a subject without
// definitions, are not checked.
type ToolArgumentsConfig struct {
	// AllowUndefined lets calls of tools that are not defined hold, for agents some of whose tools run at the provider.
	// Default false.
	AllowUndefined bool `mapstructure:"allow_undefined"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*ToolArgumentsConfig)(nil)
	_ kindConfig        = (*ToolArgumentsConfig)(nil)
	_ kind              = (*toolArguments)(nil)
)

// Validate implements confmap.Validator.
func (*ToolArgumentsConfig) Validate() error { return nil }

func (*ToolArgumentsConfig) key() string { return toolArgumentsKey }

func (*ToolArgumentsConfig) fields() []field { return []field{fieldValue, fieldProblem} }

func (*ToolArgumentsConfig) reads() source { return sourceCalls }

func (c *ToolArgumentsConfig) compile(component.TelemetrySettings) (kind, error) {
	return &toolArguments{c.AllowUndefined}, nil
}

type toolArguments struct{ allowUndefined bool }

func (t *toolArguments) identity() any { return []any{toolArgumentsKey, t.allowUndefined} }

func (t *toolArguments) test(_ context.Context, in *input) *assessment.Error {
	f := &in.facts
	user, ok := in.subject.Interaction.(ToolUser)
	if !ok {
		f.state = genai.StateNotCaptured
		return nil
	}
	calls, definitions := user.ToolCalls(), user.ToolDefinitions()
	if len(calls) == 0 || len(definitions) == 0 {
		f.state = genai.StateNotCaptured
		return nil
	}
	f.holds = true
	for i, call := range calls {
		problem, err := t.problem(call, definitions)
		if err != nil {
			return failure("too_large", fmt.Sprintf("call %d: %v", i+1, err))
		}
		if problem != "" {
			f.holds, f.problem = false, fmt.Sprintf("call %d %s", i+1, problem)
			return nil
		}
	}
	return nil
}

var (
	errLargeCall      = fmt.Errorf("arguments or definition have more than %d bytes", maxParsed)
	errEndlessCall    = errors.New("the definition takes too many steps to hold arguments against")
	argumentsParsers  fastjson.ParserPool
	definitionParsers fastjson.ParserPool
)

// problem says what is wrong with a call, by pointing into the definition; it never quotes arguments.
func (t *toolArguments) problem(call genai.ToolCall, definitions map[string]string) (string, error) {
	definition, ok := definitions[call.Name]
	switch {
	case !ok && t.allowUndefined:
		return "", nil
	case !ok:
		return "is of a tool that is not defined", nil
	case len(call.Arguments) > maxParsed || len(definition) > maxParsed:
		return "", errLargeCall
	}
	arguments := call.Arguments
	if strings.TrimSpace(arguments) == "" {
		arguments = "{}"
	}
	if fastjson.Validate(arguments) != nil { // its parser alone takes more than JSON
		return "has arguments that are not valid JSON", nil
	}
	parser := argumentsParsers.Get()
	defer argumentsParsers.Put(parser)
	value, err := parser.Parse(arguments)
	if err != nil {
		return "has arguments that are nested too deep", nil
	}
	if value.Type() != fastjson.TypeObject {
		return "has arguments that are no JSON object", nil
	}
	if strings.TrimSpace(definition) == "" {
		return "", nil
	}
	schemaParser := definitionParsers.Get()
	defer definitionParsers.Put(schemaParser)
	schema, err := schemaParser.Parse(definition)
	if err != nil {
		return "", nil // nothing to hold the arguments against
	}
	h := holding{root: schema}
	at, ok := h.against(schema, value)
	switch {
	case h.spent():
		return "", errEndlessCall
	case !ok:
		return "has arguments that do not follow the definition at #" + at, nil
	}
	return "", nil
}
