package judge

import "sync/atomic"

// format is how an answer is asked for; a server that refuses one gets the next.
type format int32

const (
	formatSchema format = iota
	formatObject
	formatText
)

// String names the format as OpenAI's response_format does.
func (f format) String() string {
	switch f {
	case formatSchema:
		return "json_schema"
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

// without returns the features to try after a refusal; ok is false when there is nothing left to do without.
func (f features) without(r refusal) (features, bool) {
	switch {
	case r == refusalTokens && !f.oldTokens:
		f.oldTokens = true
	case (r == refusalFormat || r == refusalThisSchema) && f.format < formatText:
		f.format++
	default:
		return f, false
	}
	return f, true
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
