package genai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

const (
	capital = "What is the capital of France?"
	paris   = "The capital of France is Paris."
	adk     = "You are an agent. Your internal name is \"my_agent\".\n\nYou are a helpful bot."
	rag     = "Answer from context: Paris is the capital of France.\nBerlin is the capital of Germany."
)

// read is what one span says; an empty text means that the state tells why.
type read struct {
	kind             genai.Kind
	question, answer string
	asked, answered  genai.State
	system           string
}

func chat(question, system string) read {
	return read{genai.KindLLM, question, paris, genai.StateText, genai.StateText, system}
}

func chain(answer string) read {
	return read{genai.KindChain, capital, answer, genai.StateText, genai.StateText, ""}
}

func nothing(kind genai.Kind) read {
	return read{kind, "", "", genai.StateNotCaptured, genai.StateNotCaptured, ""}
}

// vercelAI is what a recording of Vercel's SDK says, each call of a model before what the application called.
func vercelAI() []read {
	all := []read{chat(capital, "You are a helpful bot."), chat(capital, "You are a helpful bot.")}
	all[1].kind = genai.KindAgent
	all = append(all, all...)
	answer := read{genai.KindLLM, "Weather in Paris?", paris, genai.StateText, genai.StateText, ""}
	root := answer
	root.kind = genai.KindAgent
	return append(all,
		read{genai.KindLLM, "Weather in Paris?", "", genai.StateText, genai.StateToolCallOnly, ""},
		read{genai.KindTool, `{"location":"Paris"}`, `{"temp":57,"location":"Paris"}`, genai.StateText, genai.StateText, ""},
		answer, root)
}

// The expectations of the JavaScript recordings, read from the files span by span.
func TestJavaScriptRecordings(t *testing.T) {
	weather := read{genai.KindLLM, "Weather in Paris?", "", genai.StateText, genai.StateToolCallOnly, ""}
	hidden := read{genai.KindLLM, "", "", genai.StateRedacted, genai.StateRedacted, ""}
	for name, want := range map[string][]read{
		"openinference_openai": {
			chat(capital, "You are a helpful bot."),
			weather,
			chat("What is in this image?", ""),
			chat(capital, "You are a helpful bot."),
			chat(capital, "Be brief."),
		},
		"openinference_openai_hidden": {hidden, hidden, hidden, hidden, hidden},
		"traceloop_openai": {
			chat(capital, "You are a helpful bot."),
			weather,
			chat("What is in this image?", ""),
			chat(capital, "You are a helpful bot."),
			chat(capital, ""),
		},
		"otel_js_openai": { // with the content in log records
			chat(capital, "You are a helpful bot."),
			weather,
			chat(capital, "You are a helpful bot."),
		},
		"google_adk_js": {
			chat(capital, adk),
			nothing(genai.KindAgent),
			nothing(genai.KindOther),
			{
				genai.KindTool, `{"location":"Paris"}`, `{"temp":57,"location":"Paris"}`,
				genai.StateText, genai.StateText, "",
			},
			{genai.KindLLM, "Weather in Paris?", "", genai.StateText, genai.StateToolCallOnly, adk},
			{genai.KindLLM, "Weather in Paris?", paris, genai.StateText, genai.StateText, adk},
			nothing(genai.KindAgent),
			nothing(genai.KindOther),
		},
		"vercel_ai_v5": vercelAI(),
		"vercel_ai_v6": vercelAI(),
		"langfuse": {
			chat(capital, "You are a helpful bot."),
			weather,
			{
				genai.KindRetriever, "capital france", `[{"id":"d1","content":"Paris is the capital of France."}]`,
				genai.StateText, genai.StateText, "",
			},
			{genai.KindTool, `{"location":"Paris"}`, `{"temp":57}`, genai.StateText, genai.StateText, ""},
			{genai.KindAgent, capital, "Paris", genai.StateText, genai.StateText, ""},
		},
		"tl_langchain": {
			chain(capital),
			chain(`{"question":"What is the capital of France?",` +
				`"context":"Paris is the capital of France.\nBerlin is the capital of Germany."}`),
			chain("Paris is the capital of France.\nBerlin is the capital of Germany."),
			{}, // a prompt template: a raw object of LangChain
			chat(capital, rag),
			{genai.KindChain, paris, paris, genai.StateText, genai.StateText, ""}, // a parser
			chain(paris),
			{genai.KindTool, `{"location":"Paris"}`, `{"temp":57,"location":"Paris"}`, genai.StateText, genai.StateText, ""},
			weather, // whose call got lost
		},
		"oi_langchain": {
			chain(capital),
			chain("Paris is the capital of France.\nBerlin is the capital of Germany."),
			{
				genai.KindRetriever, capital,
				`{"documents":[{"pageContent":"Paris is the capital of France.","metadata":{"id":"d1","source":"wiki"}},` +
					`{"pageContent":"Berlin is the capital of Germany.","metadata":{"id":"d2"}}]}`,
				genai.StateText, genai.StateText, "",
			},
			chain(`{"question":"What is the capital of France?",` +
				`"context":"Paris is the capital of France.\nBerlin is the capital of Germany."}`),
			{}, // a prompt template: a raw object of LangChain
			chat(capital, rag),
			{}, // a parser: a raw object of LangChain
			chain(paris),
			{
				genai.KindTool, "Paris", `{"output":{"temp":57,"location":"Paris"}}`,
				genai.StateText, genai.StateText, "",
			},
			weather,
		},
		// 71 messages, of which the SDK kept the first; the raw request is whole.
		"limits_oi_count": {
			{genai.KindLLM, "message number 68", "", genai.StateText, genai.StateDropped, "You are a helpful bot."},
		},
		"limits_oi_len": {
			{genai.KindLLM, strings.Repeat(capital+" ", 9), paris, genai.StateTruncated, genai.StateText, ""},
		},
		"limits_tl_len": {
			{genai.KindLLM, "", paris, genai.StateTruncated, genai.StateText, ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spans := load(t, name)
			require.Len(t, spans, len(want))
			for n, span := range spans {
				if want[n].kind == "" {
					continue
				}
				i := span.read()
				var got read
				got.kind = i.Kind()
				got.question, got.asked = i.Text(genai.PartQuestion)
				got.answer, got.answered = i.Text(genai.PartAnswer)
				got.system, _ = i.Text(genai.PartSystem)
				if want[n].asked == genai.StateTruncated && want[n].question != "" {
					assert.True(t, strings.HasPrefix(got.question, want[n].question[:20]))
					got.question = want[n].question
				}
				assert.Equal(t, want[n], got, "span %d", n)
			}
		})
	}
}

// Content that is in log records, or nowhere, is not captured, and nothing else is taken for it.
func TestRecordingsWithoutContentOnSpans(t *testing.T) {
	for _, name := range []string{"otel_js_openai", "py_otel_openai_v2_event_only", "py_otel_openai_v2_legacy_events"} {
		for _, span := range load(t, name) {
			i := genai.Read(span.resource, span.scope, span.span)
			question, asked := i.Text(genai.PartQuestion)
			answer, answered := i.Text(genai.PartAnswer)
			assert.Empty(t, question)
			assert.Empty(t, answer)
			assert.Equal(t, genai.StateNotCaptured, asked)
			assert.Contains(t, []genai.State{genai.StateNotCaptured, genai.StateError}, answered)
			assert.Empty(t, i.Convention(genai.PartQuestion))
		}
	}
}
