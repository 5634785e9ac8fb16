package genai

import "go.opentelemetry.io/collector/pdata/pcommon"

// ag2 knows the spans of AG2 that only repeat what a call used. Its content is in the semantic conventions' keys.
type ag2 struct{}

var _ convention = ag2{}

func (ag2) about() about {
	return about{
		name: "ag2",
		keys: []string{"ag2."},
		kind: func(key string, value pcommon.Value) (Kind, rank) {
			if key == "ag2.span.type" && value.Str() == "usage" {
				return KindChain, rankPart
			}
			return "", unranked
		},
	}
}

func (ag2) input(source) input   { return input{} }
func (ag2) output(source) output { return output{} }
