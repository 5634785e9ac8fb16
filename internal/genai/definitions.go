package genai

import (
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// definitionKeys are attributes that hold the definitions: as JSON, as a list of JSON texts, or inside a request.
var definitionKeys = [...]string{
	"gen_ai.tool.definitions", "mlflow.chat.tools", "ai.prompt.tools", "tools", "gen_ai.request.available_tools",
	"model_request_parameters", "haystack.agent.tools", "llm.invocation_parameters", "gcp.vertex.agent.llm_request",
	"langfuse.observation.input", "input.value", "mlflow.spanInputs", "gen_ai.prompt",
}

// maxDefinitions bounds how many tools are read.
const maxDefinitions = 1000

// ToolDefinitions returns the tools that the model of a span could call, as far as the span tells: the JSON Schema of
// the arguments by the tool's name, "" where it has none.
func (i *Interaction) ToolDefinitions() map[string]string {
	if i.Kind() == KindOther {
		return nil
	}
	from := i.source(0)
	all := make(map[string]string)
	for _, key := range definitionKeys {
		value, ok := from.get(key)
		if !ok {
			continue
		}
		if value.Type() == pcommon.ValueTypeSlice && value.Slice().Len() > 0 && value.Slice().At(0).Type() == pcommon.ValueTypeStr {
			for _, one := range value.Slice().All() { // of Vercel
				addDefinitions(all, one.Str())
			}
		} else {
			addDefinitions(all, jsonOf(value))
		}
		if len(all) > 0 {
			return all
		}
	}
	list := collect(i.span.Attributes(), "llm.tools.", indexed{})
	for _, field := range list.fields {
		if field.name == "tool.json_schema" {
			addDefinitions(all, field.value)
		}
	}
	return all
}

// addDefinitions reads a definition, a list of them, or a request that has some.
func addDefinitions(all map[string]string, text string) {
	parse(text, func(value *fastjson.Value) {
		list := value.GetArray()
		if value.Type() == fastjson.TypeObject {
			if config := value.Get("config"); config.Exists("tools") { // of Google's ADK
				value = config
			}
			if tools := first(value, "tools", "function_tools", "functions", "functionDeclarations", "function_declarations"); tools != nil {
				list = tools.GetArray()
			} else {
				list = []*fastjson.Value{value}
			}
		}
		for _, item := range list {
			addDefinition(all, item)
		}
	})
}

func addDefinition(all map[string]string, item *fastjson.Value) {
	if len(all) >= maxDefinitions || item.Type() != fastjson.TypeObject {
		return
	}
	if declared := first(item, "functionDeclarations", "function_declarations"); declared != nil { // of Gemini
		for _, one := range declared.GetArray() {
			addDefinition(all, one)
		}
		return
	}
	body := item
	if function := first(item, "function", "toolSpec", "data"); function != nil && function.Type() == fastjson.TypeObject {
		body = function
	}
	name := jsonText(body.Get("name"))
	schema := first(body, "parameters", "input_schema", "inputSchema", "parametersJsonSchema", "parameters_json_schema", "args_schema")
	if inner := schema.Get("json"); inner != nil && inner.Type() == fastjson.TypeObject { // of Bedrock
		schema = inner
	}
	if inner := schema.Get("jsonSchema"); inner != nil && inner.Type() == fastjson.TypeObject { // of Vercel
		schema = inner
	}
	if name != "" && (schema != nil || string(item.GetStringBytes("type")) == "function") {
		all[name] = jsonAny(schema)
	}
}
