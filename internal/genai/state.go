package genai

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// State says whether a part has text and, if not, why.
type State string

// The content states of a part.
const (
	StateText                State = "text"
	StateToolCallOnly        State = "tool_call_only"
	StateNotCaptured         State = "not_captured"
	StateRedacted            State = "redacted"
	StateMedia               State = "media"
	StateTruncated           State = "truncated"
	StateDropped             State = "dropped"
	StateError               State = "error"
	StateStreamingUnfinished State = "streaming_unfinished"
)

// stateEmpty is an answer that is there and says nothing. What that means, only the finish reason and the span's status
// tell; settle replaces it.
const stateEmpty State = "empty"

// reading is a part as one convention holds it; without a state, the convention does not have it.
type reading struct {
	text  string
	state State
}

// known reports whether no other convention need be asked.
func (r reading) known() bool { return r.state != "" && r.state != StateNotCaptured }

// side tells where a text stands, because some tokens that hide a question may well be an answer.
type side bool

const (
	inInput  side = false
	inOutput side = true
)

// read judges a text: what is blank, hidden or cut is not taken for what somebody wrote.
func read(text string, at side) reading {
	state := StateText
	if len(text) > maxText {
		text, state = text[:maxText], StateTruncated
	}
	switch {
	case blank(text), isObject(text):
		return reading{}
	case isRedacted(text, at):
		return reading{state: StateRedacted}
	case saysCut(text):
		state = StateTruncated
	}
	return reading{valid(text), state}
}

// isObject knows what Python writes of an object that has no text, such as a stream.
func isObject(text string) bool {
	const longest = 200
	return len(text) <= longest && strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">") &&
		strings.Contains(text, " object ") && strings.Contains(text, " at 0x")
}

// saysCut reports a text that ends in a word on having been cut, as "[truncated]" and the like are.
func saysCut(text string) bool {
	const longest = 100
	if !strings.HasSuffix(text, "]") {
		return false
	}
	at := strings.LastIndexByte(text, '[')
	return at >= 0 && len(text)-at <= longest && strings.Contains(strings.ToLower(text[at:]), "truncated")
}

// blank reports a text that says nothing.
func blank(text string) bool { return strings.TrimSpace(text) == "" }

// isRedacted knows the tokens that producers write in place of content. A text that is only partly masked is text.
func isRedacted(text string, at side) bool {
	const longest = 80
	if len(text) > longest {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") { // the parts of a message are hidden one by one
		if !isRedactedLine(strings.TrimSpace(line), at) {
			return false
		}
	}
	return true
}

func isRedactedLine(line string, at side) bool {
	if line == "" || !strings.ContainsRune("_[<*rRfFnN", rune(line[0])) {
		return false
	}
	switch strings.ToLower(line) {
	case "__redacted__", "[redacted]", "<redacted>", "redacted-by-litellm", "<elided>", "<not serializable>",
		"<not specified>", "<replaced>", "****", "<fully masked due to failed mask function>":
		return true
	case "redacted", "filtered", "n/a":
		return at == inInput
	}
	return strings.HasPrefix(line, "[Scrubbed due to ") && strings.HasSuffix(line, "]")
}

// absent says why a part that no convention has is missing. SDKs that bound the number of attributes count what they
// leave out, and it is the content, being written last or first, that goes.
func absent(span ptrace.Span) State {
	if span.DroppedAttributesCount() > 0 || span.DroppedEventsCount() > 0 {
		return StateDropped
	}
	return StateNotCaptured
}

// settle says what the answer is worth on this span.
func (i *Interaction) settle(out output) reading {
	if failed(i.span) {
		return reading{state: StateError}
	}
	switch out.answer.state {
	case "", StateNotCaptured:
		return reading{state: absent(i.span)}
	case stateEmpty:
		finish := out.finish
		if finish == "" {
			finish = i.fact(factFinish)
		}
		switch {
		case asksForTools(finish):
			return reading{state: StateToolCallOnly}
		case out.empty && (completed(finish) || finish == "" && i.ended()):
			return reading{state: StateText}
		case finish == "":
			return reading{state: StateStreamingUnfinished}
		}
		return reading{state: StateError}
	}
	return out.answer
}

// ended tells, where no finish reason does, whether a model was done. OTel's producers write an answer once it is there;
// others also write the empty one of a call that failed without saying so, which has counted no tokens.
func (i *Interaction) ended() bool {
	if i.Streaming() {
		return false
	}
	n, _ := i.OutputTokens()
	return n > 0 || i.outputFrom == nameOTel
}

func failed(span ptrace.Span) bool {
	if span.Status().Code() == ptrace.StatusCodeError {
		return true
	}
	kind, ok := span.Attributes().Get("error.type")
	return ok && kind.Str() != ""
}

// completed reports whether the model ended its answer by itself. An empty one then is what the user got, which checks
// must see; cut or filtered to nothing, it is none.
func completed(finish string) bool {
	switch strings.ToLower(finish) {
	case "stop", "end_turn", "endturn", "stop_sequence", "complete", "completed", "eos":
		return true
	}
	return false
}

func asksForTools(finish string) bool {
	switch finish {
	case "tool_call", "tool_calls", "tool-calls", "tool_use", "toolUse", "function_call", "function_calls", "TOOL_CALLS",
		"TOOL_CALL":
		return true
	}
	return false
}
