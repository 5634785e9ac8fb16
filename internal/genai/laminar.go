package genai

import "go.opentelemetry.io/collector/pdata/pcommon"

// laminar reads the spans of Laminar's SDKs. A function that they observe has its whole input and output as JSON, and
// often no type. Spans of the instrumentations that they bring keep to the semantic conventions.
type laminar struct{}

var _ convention = laminar{}

func (laminar) about() about {
	return about{
		name: "laminar",
		keys: []string{"lmnr."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			switch key {
			case "lmnr.span.type":
				switch value.Str() {
				case "CACHED": // the answer of a call before
					return KindLLM, rankVendor
				case "DEFAULT":
					return KindChain, rankUnspecific
				}
				return kindOf(value.Str()), rankVendor
			case "lmnr.span.input", "lmnr.span.output":
				return KindChain, rankUnspecific
			}
			return "", unranked
		},
		facts: map[fact][]string{
			factConversation: {"lmnr.association.properties.session_id"},
			factUser:         {"lmnr.association.properties.user_id"},
		},
	}
}

func (laminar) input(s source) input { return s.entityInput(s.str("lmnr.span.input")) }

func (laminar) output(s source) output { return s.entityOutput(s.str("lmnr.span.output")) }
