package genai

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Kind says what a GenAI span did.
type Kind string

// The kinds of an interaction; KindOther is a span that is not GenAI.
const (
	KindOther     Kind = "other"
	KindLLM       Kind = "llm"
	KindAgent     Kind = "agent"
	KindChain     Kind = "chain"
	KindTool      Kind = "tool"
	KindRetriever Kind = "retriever"
	KindReranker  Kind = "reranker"
	KindEmbedding Kind = "embedding"
	KindGuardrail Kind = "guardrail"
	KindEvaluator Kind = "evaluator"
)

// unranked is the rank of a key that says nothing of the kind.
const unranked = 255

// kindFrom reads an attribute that tells the kind. The rank says how far the key is to be trusted: the lowest one on
// a span wins, whatever the order of its attributes. An empty kind means that the key or its value tells nothing.
func kindFrom(key string, value pcommon.Value) (kind Kind, rank uint8) {
	switch key {
	case "openinference.span.kind":
		return kindOf(value.Str()), 1
	case "langfuse.observation.type":
		return kindOf(value.Str()), 2
	case "langsmith.span.kind":
		return kindOf(value.Str()), 3
	case "mlflow.spanType":
		return kindOf(value.Str()), 4
	case "gen_ai.operation.name":
		return kindOf(value.Str()), 5
	case "ai.operationId":
		return kindOfVercel(value.Str()), 6
	case "traceloop.span.kind":
		return kindOf(value.Str()), 7
	case "llm.request.type":
		return kindOf(value.Str()), 8
	case "genkit:metadata:subtype":
		return kindOf(value.Str()), 9
	case "haystack.component.type":
		return kindOfHaystack(value.Str()), 10
	case "gcp.vertex.agent.llm_request":
		// ADK writes "{}" on its tool spans.
		if request := value.Str(); request != "" && request != "{}" {
			return KindLLM, 11
		}
	case "gen_ai.request.model", "llm.model_name":
		if value.Str() != "" {
			return KindLLM, 12
		}
	}
	return "", unranked
}

// kindOf translates the words of all conventions, which do not contradict each other. What work an unknown word
// means is not known, but it is GenAI work that holds other work: a chain.
func kindOf(word string) Kind {
	switch strings.Trim(word, `"`) { // MLflow quotes
	case "":
		return ""
	case "LLM", "llm", "CHAT_MODEL", "generation", "model", "chat", "text_completion", "generate_content", "completion",
		"acompletion", "atext_completion", "responses", "aresponses":
		return KindLLM
	case "AGENT", "agent", "invoke_agent":
		return KindAgent
	case "TOOL", "tool", "execute_tool":
		return KindTool
	case "RETRIEVER", "retriever", "retrieval", "vector_db_retrieve":
		return KindRetriever
	case "RERANKER", "reranker", "rerank", "arerank":
		return KindReranker
	case "EMBEDDING", "embedding", "embeddings", "aembedding", "embedder":
		return KindEmbedding
	case "GUARDRAIL", "guardrail":
		return KindGuardrail
	case "EVALUATOR", "evaluator", "evaluation":
		return KindEvaluator
	}
	return KindChain
}

func kindOfVercel(operation string) Kind {
	switch {
	case operation == "":
		return ""
	case strings.HasSuffix(operation, ".doGenerate"), strings.HasSuffix(operation, ".doStream"):
		return KindLLM
	case operation == "ai.toolCall":
		return KindTool
	case strings.HasPrefix(operation, "ai.embed"):
		return KindEmbedding
	case strings.HasPrefix(operation, "ai.rerank"):
		return KindReranker
	}
	return KindAgent
}

// kindOfHaystack goes by the endings that Haystack's component classes have.
func kindOfHaystack(component string) Kind {
	switch {
	case component == "":
		return ""
	case strings.HasSuffix(component, "Generator"):
		return KindLLM
	case strings.HasSuffix(component, "Retriever"):
		return KindRetriever
	case strings.HasSuffix(component, "Embedder"):
		return KindEmbedding
	case strings.HasSuffix(component, "Ranker"):
		return KindReranker
	case strings.HasSuffix(component, "Agent"):
		return KindAgent
	case component == "ToolInvoker":
		return KindTool
	}
	return KindChain
}
