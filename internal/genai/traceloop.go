package genai

import (
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

const nameTraceloop = "traceloop"

// traceloop reads what OpenLLMetry's decorators and framework instrumentations write of an entity: whole inputs and
// outputs as JSON. Its instrumentations of vector databases write what was found as events.
type traceloop struct{}

var _ convention = traceloop{}

func (traceloop) about() about {
	return about{
		name: nameTraceloop,
		keys: []string{
			"traceloop.", "db.vector.query.", "db.chroma.query.", "db.milvus.search.", "pinecone.query.",
		},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch {
			case key == "traceloop.span.kind":
				switch kind := kindOf(value.Str()); kind {
				case KindChain: // a workflow or a task, which may be a call of a model
					return kind, rankUnspecific
				default:
					return kind, rankTraceloop
				}
			case strings.HasPrefix(key, "db."), strings.HasPrefix(key, "pinecone."):
				return KindRetriever, rankVendor
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factConversation: {
				"traceloop.association.properties.session_id", "traceloop.association.properties.sessionId",
				"traceloop.association.properties.thread_id", "traceloop.association.properties.conversation_id",
				"traceloop.association.properties.chat_id",
			},
			factUser: {"traceloop.association.properties.user_id", "traceloop.association.properties.userId"},
			factTool: {"traceloop.entity.name"},
		},
	}
}

func (traceloop) input(s source) input {
	return s.entityInput(s.firstOf("traceloop.entity.input", "gen_ai.task.input", "gen_ai.tool.call.arguments"))
}

func (traceloop) output(s source) output {
	out := s.entityOutput(s.firstOf("traceloop.entity.output", "gen_ai.task.output", "gen_ai.tool.call.result"))
	if s.kind == KindRetriever && len(out.documents) == 0 {
		out.documents = foundDocuments(s)
	}
	return out
}

// isEntity reports a span whose arguments and result are in a wrapper of Traceloop's, whatever key they have.
func isEntity(s source) bool {
	_, ok := s.get("traceloop.span.kind")
	return ok
}

// firstOf returns the first of the attributes that has text.
func (s source) firstOf(keys ...string) string {
	for _, key := range keys {
		if text := s.str(key); text != "" {
			return text
		}
	}
	return ""
}

// foundDocuments reads the events of a search in a vector database. Databases without documents keep their text in the
// metadata.
func foundDocuments(s source) []Document {
	var documents []Document
	for event := range s.events() {
		if event.name != "db.query.result" && event.name != "db.search.result" {
			continue
		}
		var document Document
		for _, key := range [...]string{event.name + ".document", event.name + ".entity", event.name + ".metadata"} {
			value, ok := event.attributes.Get(key)
			if !ok || document.Text != "" {
				continue
			}
			text := stringOf(value)
			if parse(text, func(body *fastjson.Value) { document = readDocument(body) }) == plain {
				document = Document{Text: valid(text)}
			}
		}
		if blank(document.Text) {
			continue
		}
		if id, ok := event.attributes.Get(event.name + ".id"); ok && document.ID == "" {
			document.ID = valid(stringOf(id))
		}
		documents = append(documents, document)
	}
	return documents
}
