package judge

import (
	"slices"
	"sync/atomic"
)

// format is how an answer is asked for; a server that refuses one gets the provider's next.
type format int32

const (
	// formatSchema is the provider's own structured output.
	formatSchema format = iota
	// formatTool makes the answer the input of a tool that the model must call.
	formatTool
	// formatObject asks for any JSON object.
	formatObject
	// formatText leaves it to the prompt.
	formatText
)

// String names the format.
func (f format) String() string {
	switch f {
	case formatSchema:
		return "json_schema"
	case formatTool:
		return "tool"
	case formatObject:
		return "json_object"
	default:
		return "text"
	}
}

// features are what a request uses of a server.
type features struct {
	format format
	// oldTokens sends the bound of output tokens under its old name.
	oldTokens bool
}

// refusal is what a server said it does not take.
type refusal int8

const (
	refusalNone refusal = iota
	refusalFormat
	// refusalThisSchema is about the schema of one judge, not about schemas.
	refusalThisSchema
	refusalTokens
)

// without returns the features to try after a refusal; ok is false when there is nothing left to do without. The
// formats are the provider's, best first.
func (f features) without(r refusal, formats []format) (without features, ok bool) {
	switch r {
	case refusalTokens:
		without, ok = features{format: f.format, oldTokens: true}, !f.oldTokens
	case refusalFormat, refusalThisSchema:
		if next := slices.IndexFunc(formats, func(other format) bool { return other > f.format }); next >= 0 {
			without, ok = features{format: formats[next], oldTokens: f.oldTokens}, true
		}
	case refusalNone:
	}
	return without, ok
}

// knowledge is the least that was found to be refused. It only grows, so concurrent calls may teach it in any order.
type knowledge struct {
	format    atomic.Int32
	oldTokens atomic.Bool
}

func (k *knowledge) features() features {
	return features{format: format(k.format.Load()), oldTokens: k.oldTokens.Load()}
}

// atLeast raises what is known to f and reports whether that was news.
func (k *knowledge) atLeast(f features) (news bool) {
	for {
		known := k.format.Load()
		if int32(f.format) <= known {
			break
		}
		if k.format.CompareAndSwap(known, int32(f.format)) {
			news = true
			break
		}
	}
	if f.oldTokens && k.oldTokens.CompareAndSwap(false, true) {
		news = true
	}
	return news
}
