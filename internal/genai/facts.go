package genai

import (
	"math"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// The keys of each fact, most trusted first.
var (
	modelKeys = [...]string{
		"gen_ai.response.model", "llm.response.model_name", "ai.response.model", "mlflow.llm.model", "llm.model_name",
		"embedding.model_name", "reranker.model_name", "gen_ai.request.model", "llm.request.model_name",
		"langfuse.observation.model.name",
	}
	providerKeys = [...]string{
		"gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "mlflow.llm.provider",
	}
	responseKeys = [...]string{"gen_ai.response.id", "ai.response.id"}
	// Those after session.id were read by the same producers before it existed, or are their own.
	conversationKeys = [...]string{
		"session.id", "gen_ai.conversation.id", "langfuse.session.id", "traceloop.association.properties.session_id",
		"ai.telemetry.metadata.sessionId", "langsmith.metadata.session_id", "langsmith.metadata.thread_id",
		"langsmith.metadata.conversation_id", "gcp.vertex.agent.session_id",
	}
	inputTokenKeys = [...]string{
		"gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens",
		"ai.usage.promptTokens",
	}
	outputTokenKeys = [...]string{
		"gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion",
		"ai.usage.outputTokens", "ai.usage.completionTokens",
	}
	usageKeys        = [...]string{"langfuse.observation.usage_details", "mlflow.chat.tokenUsage", "langsmith.usage_metadata"}
	inputUsageNames  = [...]string{"input_tokens", "prompt_tokens", "input"}
	outputUsageNames = [...]string{"output_tokens", "completion_tokens", "output"}
)

// Model returns the response's model, else the requested one.
func (i *Interaction) Model() string {
	if model := i.fact(modelKeys[:]); model != "" {
		return model
	}
	if i.found&familyMLflow != 0 { // a failing call has only the copy of the request's parameter
		return i.fact([]string{"model"})
	}
	return ""
}

// Provider returns the provider's name as the producer wrote it.
func (i *Interaction) Provider() string { return i.fact(providerKeys[:]) }

// ResponseID returns the provider's id of the response. Where no attribute has it, it is read from the raw response.
func (i *Interaction) ResponseID() string {
	if id := i.fact(responseKeys[:]); id != "" || i.kind != KindLLM {
		return id
	}
	if i.found&(familyOpenInference|familyMLflow) == 0 {
		return ""
	}
	if i.hasOutput && i.output.id != "" {
		return i.output.id
	}
	var id string
	for _, key := range [...]string{"mlflow.spanOutputs", "output.value"} {
		if value, ok := i.span.Attributes().Get(key); ok {
			parse(stringOf(value), func(response *fastjson.Value) { id = jsonText(response.Get("id")) })
		}
		if id != "" {
			break
		}
	}
	return id
}

// ConversationID returns the id of the session or thread.
func (i *Interaction) ConversationID() string {
	if id := i.fact(conversationKeys[:]); id != "" || i.Kind() == KindOther {
		return id
	}
	if metadata, ok := i.span.Attributes().Get("metadata"); ok {
		var id string
		parse(stringOf(metadata), func(value *fastjson.Value) {
			id = jsonText(first(value, "session_id", "thread_id", "conversation_id"))
		})
		if id != "" {
			return id
		}
	}
	return firstText(i.resource.Attributes(), conversationKeys[:])
}

// InputTokens returns the number of prompt tokens; ok is false where the span has none.
func (i *Interaction) InputTokens() (n int64, ok bool) {
	return i.tokens(inputTokenKeys[:], inputUsageNames[:])
}

// OutputTokens returns the number of generated tokens; ok is false where the span has none.
func (i *Interaction) OutputTokens() (n int64, ok bool) {
	return i.tokens(outputTokenKeys[:], outputUsageNames[:])
}

// fact returns the first of the attributes that has text.
func (i *Interaction) fact(keys []string) string {
	if i.Kind() == KindOther {
		return ""
	}
	return firstText(i.span.Attributes(), keys)
}

func firstText(attributes pcommon.Map, keys []string) string {
	const longest = 1024
	for _, key := range keys {
		value, ok := attributes.Get(key)
		if !ok || len(value.Str()) > longest {
			continue
		}
		text := value.Str()
		if inner, ok := unquote(text); ok { // MLflow quotes what apps set through it
			text = inner
		}
		if text != "" {
			return valid(text)
		}
	}
	return ""
}

func (i *Interaction) tokens(keys, names []string) (int64, bool) {
	if i.Kind() == KindOther {
		return 0, false
	}
	attributes := i.span.Attributes()
	for _, key := range keys {
		if value, ok := attributes.Get(key); ok {
			if n, ok := count(value); ok {
				return n, true
			}
		}
	}
	for _, key := range usageKeys {
		value, ok := attributes.Get(key)
		if !ok {
			continue
		}
		n, ok := int64(0), false
		parse(stringOf(value), func(usage *fastjson.Value) {
			if number := first(usage, names...); number != nil && number.Type() == fastjson.TypeNumber {
				n, ok = whole64(number.GetFloat64())
			}
		})
		if ok {
			return n, true
		}
	}
	return 0, false
}

// count reads a number that producers write as int, double or text, MLflow in quotes.
func count(value pcommon.Value) (int64, bool) {
	switch value.Type() {
	case pcommon.ValueTypeInt:
		return value.Int(), value.Int() >= 0
	case pcommon.ValueTypeDouble:
		return whole64(value.Double())
	case pcommon.ValueTypeStr:
		number, err := strconv.ParseFloat(strings.Trim(value.Str(), `" `), 64)
		if err != nil {
			return 0, false
		}
		return whole64(number)
	}
	return 0, false
}

// whole64 refuses what is no count.
func whole64(number float64) (int64, bool) {
	const most = 1 << 53
	if number < 0 || number > most || number != math.Trunc(number) {
		return 0, false
	}
	return int64(number), true
}
