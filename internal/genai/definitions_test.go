package genai_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestToolDefinitions(t *testing.T) {
	const schema = `{"type":"object","properties":{"location":{"type":"string"}}}`
	want := map[string]string{"get_weather": schema}
	for _, test := range []struct {
		name string
		span attributes
		want map[string]string
	}{
		{name: "none", span: otelChat(nil, nil), want: map[string]string{}},
		{name: "not GenAI", span: attributes{"tools": `[{"name":"f","parameters":{}}]`}},
		{
			name: "semantic conventions",
			span: attributes{"gen_ai.operation.name": "chat", "gen_ai.tool.definitions": `[{"type":"function","name":"get_weather","parameters":` + schema + `}]`},
			want: want,
		},
		{
			name: "structured",
			span: attributes{"gen_ai.operation.name": "chat", "gen_ai.tool.definitions": []any{map[string]any{
				"type": "function", "name": "get_time",
			}}},
			want: map[string]string{"get_time": ""},
		},
		{
			name: "as OpenAI has them",
			span: attributes{"gen_ai.operation.name": "chat", "gen_ai.tool.definitions": `[{"type":"function","function":{"name":"get_weather","parameters":` + schema + `}}]`},
			want: want,
		},
		{
			name: "OpenInference, flattened",
			span: oi(attributes{"llm.tools.0.tool.json_schema": `{"name":"get_weather","input_schema":` + schema + `}`}),
			want: want,
		},
		{
			name: "in the raw request",
			span: oi(attributes{"input.value": `{"messages":[],"tools":[{"functionDeclarations":[{"name":"get_weather","parameters":` + schema + `}]}]}`}),
			want: want,
		},
		{
			name: "Vercel",
			span: attributes{"ai.operationId": "ai.generateText.doGenerate", "ai.prompt.tools": []any{
				`{"type":"function","name":"get_weather","inputSchema":` + schema + `}`,
			}},
			want: want,
		},
		{
			name: "Bedrock",
			span: attributes{"gen_ai.operation.name": "chat", "gen_ai.tool.definitions": `[{"toolSpec":{"name":"get_weather","inputSchema":{"json":` + schema + `}}}]`},
			want: want,
		},
		{
			name: "of wrong types",
			span: attributes{"gen_ai.operation.name": "chat", "gen_ai.tool.definitions": `[1,null,{"name":1},{"function":[]},{"name":"x"}]`},
			want: map[string]string{},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, of(t, test.span).ToolDefinitions())
		})
	}
}
