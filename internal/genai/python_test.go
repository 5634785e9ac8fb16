package genai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// chainOf is a chain of OpenInference's with JSON on both sides.
func chainOf(in, out string) attributes {
	return attributes{
		"openinference.span.kind": "CHAIN", "input.value": in, "input.mime_type": "application/json",
		"output.value": out, "output.mime_type": "application/json",
	}
}

func chain(question, answer string) read {
	return read{genai.KindChain, question, answer, genai.StateText, genai.StateText, ""}
}

func TestPythonMessages(t *testing.T) {
	const (
		human = `"content='q' additional_kwargs={} response_metadata={} id='1'"`
		ai    = `"content='a' additional_kwargs={'refusal': None} response_metadata={} id='run-1' usage_metadata={'input_tokens': 24}"`
		calls = `"content='' additional_kwargs={} tool_calls=[{'name': 'f', 'args': {'a': 1}, 'id': '1', 'type': 'tool_call'}]"`
		back  = `"content='18 C' name='f' tool_call_id='1'"`
	)
	plain := chainOf("", "")
	plain["output.value"], plain["output.mime_type"] = "AIMessage(content=\"it's a\", id='1')", "text/plain"
	checkTold(t, "openinference", []told{
		{
			name: "LangChain's str", span: chainOf(`{"messages":[`+human+`,`+calls+`,`+back+`]}`, `{"messages":[`+human+`,`+calls+`,`+back+`,`+ai+`]}`),
			want: chain("q", "a"), results: []genai.Document{{ID: "1", Text: "18 C"}},
		},
		{
			name: "LangChain's str, of a call", span: chainOf(`{"messages":[`+human+`]}`, `{"messages":[`+calls+`]}`),
			want:  read{genai.KindChain, "q", "", genai.StateText, genai.StateToolCallOnly, ""},
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":1}`}},
		},
		{
			name: "LangChain's str, of a tool", span: chainOf(`{"input":[{"name":"f","args":{}}]}`, `{"messages":[`+back+`]}`),
			want: chain(`[{"name":"f","args":{}}]`, "18 C"),
		},
		{
			name: "LangChain's str, without its list", span: chainOf(`{"input":`+ai+`}`, `{"output":"return_values={'output': 'a'} log='a'"}`),
			want: chain("a", "a"),
		},
		{
			name: "LangChain's repr",
			span: chainOf(`{"messages":["SystemMessage(content='s')","HumanMessage(content='q', additional_kwargs={}, id='1')"]}`,
				`{"messages":["HumanMessage(content='q')","AIMessage(content=[{'type': 'text', 'text': 'a'}, {'type': 'text', 'text': 'b'}], tool_calls=[])"]}`),
			want: read{genai.KindChain, "q", "a\nb", genai.StateText, genai.StateText, "s"},
		},
		{
			name: "a prompt of LangChain", span: chainOf(`{"question":"q"}`, `{"output":"messages=[SystemMessage(content='s'), HumanMessage(content='q')]"}`),
			want: chain("q", "messages=[SystemMessage(content='s'), HumanMessage(content='q')]"),
		},
		{
			name: "LlamaIndex",
			span: chainOf(`{"ctx":"<Context object at 0x7f>","ev":"AgentSetup(input=[ChatMessage(role=<MessageRole.USER: 'user'>, additional_kwargs={}, blocks=[TextBlock(block_type='text', text='q')])], current_agent_name='x')"}`,
				`{"ev":"StopEvent(result=AgentOutput(response=ChatMessage(role=<MessageRole.ASSISTANT: 'assistant'>, additional_kwargs={}, blocks=[ThinkingBlock(content='hm'), TextBlock(block_type='text', text='a')])))"}`),
			want: chain("q", `{"ev":"StopEvent(result=AgentOutput(response=ChatMessage(role=<MessageRole.ASSISTANT: 'assistant'>, additional_kwargs={}, blocks=[ThinkingBlock(content='hm'), TextBlock(block_type='text', text='a')])))"}`),
		},
		{
			name: "LlamaIndex, in one object",
			span: chainOf(`{"chat_history":["ChatMessage(role=<MessageRole.USER: 'user'>, blocks=[TextBlock(text='q')])"],"user_msg":null,"tools":[]}`,
				`{"output":"StopEvent(result=AgentOutput(response=ChatMessage(role=<MessageRole.ASSISTANT: 'assistant'>, blocks=[ThinkingBlock(content='hm'), TextBlock(text='a')])))"}`),
			want: chain("q", "a"),
		},
		{
			name: "Haystack",
			span: chainOf(`{"data":{"llm":{"messages":["ChatMessage(_role=<ChatRole.SYSTEM: 'system'>, _content=[TextContent(text='s')], _name=None, _meta={})","ChatMessage(_role=<ChatRole.USER: 'user'>, _content=[TextContent(text='q')])"]}}}`,
				`{"llm":{"replies":["ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _content=[ToolCall(tool_name='f', arguments={'a': True}, id='1', extra=None)], _meta={'index': 0})"]}}`),
			want:  read{genai.KindChain, "q", "", genai.StateText, genai.StateToolCallOnly, "s"},
			calls: []genai.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":true}`}},
		},
		{
			name: "AutoGen", want: chain("q", "a"),
			span: chainOf(`{"messages":["id='1' source='user' models_usage=None metadata={} created_at=datetime.datetime(2026, 11, 26, tzinfo=datetime.timezone.utc) content='q' type='TextMessage'"],"cancellation_token":"<CancellationToken object at 0x7f>"}`,
				`{"messages":[{"id":"1","source":"user","models_usage":null,"content":"q","type":"TextMessage"},{"id":"2","source":"bot","models_usage":{},"content":"a","type":"TextMessage"}],"stop_reason":"x"}`),
		},
		{name: "plain text", span: plain, want: read{genai.KindChain, "", "it's a", genai.StateNotCaptured, genai.StateText, ""}},
	})
}

// Only what is whole and Python is opened; anything else may be what somebody wrote.
func TestPythonOrText(t *testing.T) {
	for _, text := range []string{
		"a='b'", "x=[1, 2] is a list", "Paris(France", "Paris (France)", "Paris(France)", "f(output='a')", "AIMessage(content='a') or so",
		"AIMessage(content='a', 1 2)", "content='a' and more", "content='a'", "[Note] x", "{'a': }",
		"{'output' 'a'}", "{'a': 'b', 'c'}", "['a', 'b']", "('a')", "Answer(one='a', two='b') it is", "<openai.Stream object at 0x>!",
		strings.Repeat("X(a=", 100) + "1" + strings.Repeat(")", 100),
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			for _, span := range []attributes{
				chainOf(`{"input":"`+text+`"}`, `{"output":"`+text+`"}`),
				{"openinference.span.kind": "CHAIN", "input.value": text, "output.value": text},
				{"openinference.span.kind": "LLM", "input.value": text, "output.value": text},
			} {
				got := readOf(of(t, span))
				assert.Equal(t, text, got.question)
				assert.Equal(t, text, got.answer)
			}
		})
	}
}

func TestPythonLiterals(t *testing.T) {
	for name, test := range map[string]struct{ object, want string }{
		"texts":        {`{'output': {'a': 'it\'s', "b": "\n\t\x41\u4f60\U0001f600\\\q"}}`, "{\"a\":\"it's\",\"b\":\"\\n\\tA你😀\\\\q\"}"},
		"bytes":        {`{'output': [b'a', r'b']}`, `["a","b"]`},
		"numbers":      {`{'output': [1, -2.5, 1e-05, 0x1F, 1_000, inf, nan]}`, `[1,-2.5,1e-05,"0x1F","1_000",null,null]`},
		"constants":    {`{'output': {'a': None, 'b': True, 'c': False}}`, `{"a":null,"b":true,"c":false}`},
		"tuples":       {`{'output': ('a', ('b',), ())}`, `["a",["b"],[]]`},
		"sets":         {`{'output': [{'a', 'b'}, {'c'}, set()]}`, `[["a","b"],["c"],{}]`},
		"keys":         {`{'output': {1: 'a', None: 'b', (1, 2): 'c'}}`, `{"1":"a","None":"b","(1, 2)":"c"}`},
		"enumerations": {`{'output': [<Role.USER: 'user'>, <Code.OK: 200>, Role.USER]}`, `["user","200","USER"]`},
		"objects":      {`{'output': [<function f at 0x7f>, <class 'a.B'>, <Tool(*, a: str) -> None>, <a <b>>]}`, `[null,null,null,null]`},
		"values":       {`{'output': [UUID('1'), Decimal('1.5'), OrderedDict({'a': 1})]}`, `["1","1.5",{"a":1}]`},
		"classes":      {`{'output': [a.b.C(x=1), C(1, y=2), C()]}`, `[{"x":1,"type":"C"},{"0":1,"y":2,"type":"C"},{}]`},
		"its own type": {`{'output': [C(type='x')]}`, `[{"type":"x","type":"C"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, state := of(t, attributes{"openinference.span.kind": "TOOL", "output.value": test.object}).Text(genai.PartAnswer)
			assert.Equal(t, test.want, got)
			assert.Equal(t, genai.StateText, state)
		})
	}
}

// What an object shows before it was shortened is whole; what was cut by somebody else is cut.
func TestPythonCut(t *testing.T) {
	const message = "ChatMessage(role=<MessageRole.ASSISTANT: 'assistant'>, additional_kwargs={}, blocks=[TextBlock(text='a')])"
	for name, test := range map[string]struct {
		text, want string
		state      genai.State
	}{
		"shortened behind the answer": {"StopEvent(result=AgentOutput(response=" + message + ", structu...", "a", genai.StateText},
		"shortened in the answer":     {"StopEvent(result=AgentOutput(response=" + message[:90] + "...", "StopEvent(result=AgentOutput(response=" + message[:90] + "...", genai.StateText},
		"shortened in a list":         {"TaskResult(messages=[" + message + ", ChatMes...", "TaskResult(messages=[" + message + ", ChatMes...", genai.StateText},
		"cut":                         {"{'output': " + message + ", 'more': [1, 2", "a", genai.StateTruncated},
		"cut in a key":                {"{'output': " + message + ", 'mo", "a", genai.StateTruncated},
		"cut behind a key":            {"{'output': " + message + ", 'more':", "a", genai.StateTruncated},
		"cut in an object":            {"{'output': " + message + ", 'more': <Role.", "a", genai.StateTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, state := of(t, attributes{"openinference.span.kind": "CHAIN", "output.value": test.text}).Text(genai.PartAnswer)
			assert.Equal(t, test.state, state)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestHostilePython(t *testing.T) {
	const many = 100_000
	for name, text := range map[string]string{
		"deep lists":        "{'a': " + strings.Repeat("[", many),
		"deep objects":      strings.Repeat("A(a=", many) + strings.Repeat(")", many),
		"deep dictionaries": strings.Repeat("{'a': ", many),
		"deep brackets":     "A(a=" + strings.Repeat("<", many) + strings.Repeat(">", many),
		"many members":      "A(" + strings.Repeat("a='b', ", many) + ")",
		"many bare members": strings.Repeat("a='b' ", many),
		"many keys":         "{" + strings.Repeat("'a': 'b', ", many) + "}",
		"many sets":         "{'a': [" + strings.Repeat("{'a'}, ", many) + "]}",
		"long name":         strings.Repeat("A", many) + "(a='b')",
		"backslashes":       "content='" + strings.Repeat(`\`, many+1) + "' id='1'",
		"dots":              "A(" + strings.Repeat(".", many),
		"quotes in quotes":  `A(a="` + strings.Repeat(`A(a='`, many),
		"long text":         "A(content='" + strings.Repeat("a", 2*mebibyte) + "')",
		"not UTF-8":         "A(content='\xff', b='\\xff\\ud800')",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, kind := range []string{"LLM", "AGENT", "TOOL", "RETRIEVER", "EMBEDDING", "CHAIN"} {
				sound(t, of(t, attributes{"openinference.span.kind": kind, "input.value": text, "output.value": text}))
				inside := `{"messages":["` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"]}`
				sound(t, of(t, attributes{"openinference.span.kind": kind, "input.value": inside, "output.value": inside}))
			}
		})
	}
}
