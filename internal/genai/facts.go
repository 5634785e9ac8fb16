package genai

import (
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// fact is something short that is known of a span beside its content.
type fact uint8

const (
	factResponseModel fact = iota
	factRequestModel
	factProvider
	factResponseID
	factConversation
	factUser
	factTool // the name of the tool that a tool span ran
	factInputTokens
	factOutputTokens
	factCost // in USD
	factFinish
	factStreaming
	facts // their number
)

// genericFacts stand outside of all conventions, and before them.
var genericFacts = map[fact][]string{
	factConversation: {"session.id"},
	factUser:         {"user.id", "enduser.id"},
}

// factKey is an attribute that holds a fact on the spans of some conventions.
type factKey struct {
	key   string
	found found
}

// deepFacts reads what stands inside JSON.
type deepFacts struct {
	found found
	read  func(source, fact) string
}

// Model returns the response's model, else the requested one.
func (i *Interaction) Model() string {
	if model := i.fact(factResponseModel); model != "" {
		return model
	}
	return i.fact(factRequestModel)
}

// Provider returns the provider's name as the producer wrote it.
func (i *Interaction) Provider() string { return i.fact(factProvider) }

// ResponseID returns the provider's id of the response. Where no attribute has it, it is read from the raw response.
func (i *Interaction) ResponseID() string {
	if i.hasOutput && i.output.id != "" && i.kind == KindLLM {
		if id := i.shallow(factResponseID); id != "" {
			return id
		}
		return i.output.id
	}
	return i.fact(factResponseID)
}

// ConversationID returns the id of the session or thread, which may stand on the resource.
func (i *Interaction) ConversationID() string {
	if i.given != nil && i.given.conversation != nil {
		return *i.given.conversation
	}
	return i.orOfResource(factConversation)
}

// UserID returns the id of the end user, which may stand on the resource.
func (i *Interaction) UserID() string { return i.orOfResource(factUser) }

// InputTokens returns the number of prompt tokens; ok is false where the span has none.
func (i *Interaction) InputTokens() (n int64, ok bool) { return i.count(factInputTokens) }

// OutputTokens returns the number of generated tokens; ok is false where the span has none.
func (i *Interaction) OutputTokens() (n int64, ok bool) { return i.count(factOutputTokens) }

// Cost returns what the call cost in USD, as the producer reckoned it; ok is false where the span does not say.
func (i *Interaction) Cost() (usd float64, ok bool) {
	usd, err := strconv.ParseFloat(i.fact(factCost), 64)
	if err != nil || usd < 0 || math.IsNaN(usd) || math.IsInf(usd, 0) {
		return 0, false
	}
	return usd, true
}

// FinishReason returns why the model stopped, in the producer's words, or "".
func (i *Interaction) FinishReason() string {
	if i.Kind() == KindOther {
		return ""
	}
	if finish := i.fact(factFinish); finish != "" {
		return finish
	}
	return i.outputSide().finish
}

// fact returns a fact from the attributes, else from inside one.
func (i *Interaction) fact(f fact) string {
	if text := i.shallow(f); text != "" || i.Kind() == KindOther {
		return text
	}
	from := i.source(0)
	for _, deep := range known.deep {
		if i.found&deep.found == 0 {
			continue
		}
		if text := deep.read(from, f); text != "" && len(text) <= longestFact {
			return valid(text)
		}
	}
	return ""
}

// shallow returns the first of the fact's attributes that has text.
func (i *Interaction) shallow(f fact) string {
	if i.Kind() == KindOther {
		return ""
	}
	attributes := i.span.Attributes()
	for _, one := range known.facts[f] {
		if i.found&one.found == 0 {
			continue
		}
		if value, ok := attributes.Get(one.key); ok {
			if text := short(f, value); text != "" {
				return text
			}
		}
	}
	return ""
}

func (i *Interaction) orOfResource(f fact) string {
	if text := i.fact(f); text != "" || i.Kind() == KindOther {
		return text
	}
	attributes := i.resource.Attributes()
	for _, one := range known.facts[f] {
		if value, ok := attributes.Get(one.key); ok {
			if text := short(f, value); text != "" {
				return text
			}
		}
	}
	return ""
}

// longestFact is in bytes. Facts are short; a long one is none.
const longestFact = 1024

// short renders an attribute that holds a fact.
func short(f fact, value pcommon.Value) string {
	var text string
	switch value.Type() {
	case pcommon.ValueTypeStr:
		text = value.Str()
	case pcommon.ValueTypeInt, pcommon.ValueTypeDouble, pcommon.ValueTypeBool:
		if f < factInputTokens { // a name or an id is text
			return ""
		}
		text = value.AsString()
	case pcommon.ValueTypeSlice: // of finish reasons
		if f != factFinish || value.Slice().Len() == 0 {
			return ""
		}
		text = value.Slice().At(0).Str()
	default:
		return ""
	}
	switch {
	case len(text) > longestFact:
		return ""
	case f == factInputTokens || f == factOutputTokens:
		text = strings.Trim(text, `" `) // MLflow quotes what apps set through it
		if _, ok := countOf(text); !ok {
			return ""
		}
		return text
	case f == factFinish:
		text, _, _ = strings.Cut(text, ",")
		return valid(strings.Trim(text, `[]" `)) // some write the list as JSON
	}
	if inner, ok := unquote(text); ok {
		text = inner
	}
	return valid(text)
}

func (i *Interaction) count(f fact) (int64, bool) { return countOf(i.fact(f)) }

// countOf reads a number that producers write as int, double or text.
func countOf(text string) (int64, bool) {
	const most = 1 << 53
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number < 0 || number > most || number != math.Trunc(number) {
		return 0, false
	}
	return int64(number), true
}
