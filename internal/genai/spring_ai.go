package genai

import "go.opentelemetry.io/collector/pdata/pcommon"

// springAI reads what Spring AI writes beside the semantic conventions: of tools, of vector stores, and, before version
// 1, of the client around a model. What a model said is in events or in the application's own log.
type springAI struct{}

var _ convention = springAI{}

func (springAI) about() about {
	return about{
		name: "spring_ai",
		keys: []string{"spring.ai."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			if key != "spring.ai.kind" {
				return "", unranked
			}
			switch value.Str() {
			case "vector_store":
				return KindRetriever, rankFramework
			case "tool_call":
				return KindTool, rankFramework
			}
			return KindChain, rankUnspecific
		},
		facts: map[fact][]string{
			factConversation: {"spring.ai.chat.client.conversation.id"},
			factTool:         {"spring.ai.tool.definition.name"},
		},
	}
}

func (springAI) input(s source) input {
	switch s.kind {
	case KindTool:
		return input{question: quoted(s.str("spring.ai.tool.call.arguments"), inInput)}
	case KindRetriever:
		return input{question: read(s.str("db.vector.query.content"), inInput)}
	}
	return input{
		question: read(s.str("spring.ai.chat.client.user.text"), inInput),
		system:   read(s.str("spring.ai.chat.client.system.text"), inInput),
	}
}

func (springAI) output(s source) output {
	switch s.kind {
	case KindTool:
		return output{answer: whole(s.str("spring.ai.tool.call.result"), inOutput)}
	case KindRetriever:
		return s.entityOutput(s.str("db.vector.query.response.documents"))
	}
	return output{}
}
