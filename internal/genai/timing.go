package genai

import (
	"math"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// firstTokenKeys hold the time from the call to the first piece of a streamed answer, in the unit beside them.
var firstTokenKeys = [...]struct {
	key  string
	unit time.Duration
}{
	{"gen_ai.response.time_to_first_chunk", time.Second},
	{"gen_ai.client.operation.time_to_first_chunk", time.Second}, // Vercel 7
	{"ai.response.msToFirstChunk", time.Millisecond},
	{"gen_ai.server.time_to_first_token", time.Millisecond}, // Strands, as an attribute
	{"lk.response.ttft", time.Second},
	{"ttft_ms", time.Millisecond},                         // Claude Code
	{"gen_ai.streaming.time_to_first_token", time.Second}, // AgentOps
}

// firstTokenEvents are span events that the first piece makes.
var firstTokenEvents = [...]string{"ai.stream.firstChunk", "First Token Stream Event"}

// Streaming reports whether the answer came, or was to come, in pieces.
func (i *Interaction) Streaming() bool {
	return strings.EqualFold(i.fact(factStreaming), "true")
}

// FirstToken returns the time from the start of the call to the first piece of its answer; ok is false where the span
// does not tell.
func (i *Interaction) FirstToken() (d time.Duration, ok bool) {
	if i.Kind() == KindOther {
		return 0, false
	}
	attributes := i.span.Attributes()
	for _, one := range firstTokenKeys {
		if value, has := attributes.Get(one.key); has {
			if number, is := numberOf(value); is {
				return scaled(number, one.unit)
			}
		}
	}
	if at, has := attributes.Get("langfuse.observation.completion_start_time"); has {
		moment, err := time.Parse(time.RFC3339Nano, strings.Trim(at.Str(), `"`))
		return i.since(moment, err == nil)
	}
	for event := range i.source(0).events() {
		for _, name := range firstTokenEvents {
			if event.name == name {
				return i.since(event.at.AsTime(), event.at != 0)
			}
		}
	}
	return 0, false
}

// since is the time from the span's start to a moment in it.
func (i *Interaction) since(moment time.Time, known bool) (time.Duration, bool) {
	d := moment.Sub(i.span.StartTimestamp().AsTime())
	if !known || d < 0 {
		return 0, false
	}
	return d, true
}

func scaled(number float64, unit time.Duration) (time.Duration, bool) {
	d := number * float64(unit)
	if !(d >= 0) || d > math.MaxInt64/2 {
		return 0, false
	}
	return time.Duration(d), true
}

func numberOf(value pcommon.Value) (float64, bool) {
	switch value.Type() {
	case pcommon.ValueTypeDouble:
		return value.Double(), true
	case pcommon.ValueTypeInt:
		return float64(value.Int()), true
	case pcommon.ValueTypeStr:
		number, err := strconv.ParseFloat(strings.Trim(value.Str(), `" `), 64)
		return number, err == nil
	}
	return 0, false
}
