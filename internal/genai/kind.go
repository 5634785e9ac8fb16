package genai

import "strings"

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

// rank says how far an attribute that tells the kind is to be trusted: the lowest one on a span wins, whatever the
// order of its attributes.
type rank uint8

// The order of trust. What an instrumentation says of its own span stands before the general operation name, which
// some of them get wrong; that a model is named, and words for any work, stand last.
const (
	rankPart rank = iota // of what another span tells as a whole
	rankOpenInference
	rankLangfuse
	rankLangSmith
	rankMLflow
	rankFramework
	rankOperation
	rankVercel
	rankTraceloop
	rankRequestType
	rankVendor
	rankModel
	rankUnspecific      // a task, a workflow, or only that there is content
	rankRemains         // what is left of a call whose other attributes were dropped
	unranked       rank = 255
)

// kindOf translates the words of all conventions, which do not contradict each other. What work an unknown word
// means is not known, but it is GenAI work that holds other work: a chain.
func kindOf(word string) Kind {
	switch strings.Trim(word, `"`) { // MLflow quotes
	case "":
		return ""
	case "LLM", "llm", "CHAT_MODEL", "generation", "model", "chat", "text_completion", "generate_content", "completion",
		"acompletion", "atext_completion", "responses", "aresponses", "chat.completions", "text.completions",
		"response", "generate", "llm_call", "call_llm", "background-model", "tool_selection", "completions",
		"chat_completion", "messages", "openai.responses.create", "generate_text", "generate_object", "stream_text", "stream_object":
		return KindLLM
	case "AGENT", "agent", "invoke_agent", "agent_call", "agent.run":
		return KindAgent
	case "TOOL", "tool", "execute_tool", "tool_call", "tool.v2", "tool.execute":
		return KindTool
	case "RETRIEVER", "retriever", "retrieval", "vector_db_retrieve":
		return KindRetriever
	case "RERANKER", "reranker", "rerank", "arerank":
		return KindReranker
	case "EMBEDDING", "embedding", "embeddings", "aembedding", "embedder", "embed":
		return KindEmbedding
	case "GUARDRAIL", "guardrail":
		return KindGuardrail
	case "EVALUATOR", "evaluator", "evaluation", "EVALUATION", "HUMAN_EVALUATOR", "judge", "scorer":
		return KindEvaluator
	}
	return KindChain
}
