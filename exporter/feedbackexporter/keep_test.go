package feedbackexporter

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/otelcol-feedback/otelcol-feedback/exporter/feedbackexporter/internal/metadatatest"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

var ended = time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)

// chat is a call of a model that ended after some seconds.
func chat(td ptrace.Traces, trace, id byte, seconds int, attributes map[string]any) ptrace.Span {
	span := newSpan(td, trace, id)
	span.SetEndTimestamp(pcommon.NewTimestampFromTime(ended.Add(time.Duration(seconds) * time.Second)))
	raw := map[string]any{
		"gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
		"gen_ai.input.messages":  `[{"role":"user","parts":[{"type":"text","content":"` + secret + `?"}]}]`,
		"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"text","content":"` + secret + `."}]}]`,
	}
	maps.Copy(raw, attributes)
	_ = span.Attributes().FromRaw(raw)
	return span
}

// kept is what the queue would hold of the traces.
func kept(t *testing.T, k keeper, td ptrace.Traces) queued {
	t.Helper()
	r := reducer{keeper: k}
	out := r.traces(td)
	if out.taken == 0 {
		return queued{}
	}
	q := r.decode(out.logs)
	require.Empty(t, q.refused)
	return q
}

func entry(of store.Digest, trace, span byte, seconds int) store.IndexEntry {
	match := store.Match{TraceID: pcommon.TraceID{trace}.String(), Time: ended.Add(time.Duration(seconds) * time.Second)}
	if span != 0 {
		match.SpanID = pcommon.SpanID{span}.String()
	}
	return store.IndexEntry{Digest: of, Match: match}
}

func spanDigest(id byte) store.Digest {
	return store.NewDigest(store.KindSpanID, pcommon.SpanID{id}.String())
}

func TestWhatIsNoSubjectIsNotIndexed(t *testing.T) {
	td := ptrace.NewTraces()
	newSpan(td, 1, 1).Attributes().Clear()
	require.NoError(t, newSpan(td, 1, 2).Attributes().FromRaw(map[string]any{"openinference.span.kind": "EVALUATOR"}))
	chat(td, 0, 1, 0, nil)
	chat(td, 1, 0, 0, nil)
	assert.Zero(t, kept(t, keeper{index: true, content: true}, td))
	chat(td, 1, 1, 0, map[string]any{"gen_ai.response.id": "resp-1"})
	assert.Zero(t, kept(t, keeper{}, td), "nothing without being asked")
}

func TestIndexEntries(t *testing.T) {
	td := ptrace.NewTraces()
	turn := map[string]any{"gen_ai.conversation.id": "c-1", "app.message_id": int64(42), "app.long": strings.Repeat("x", 2000)}
	answer := map[string]any{"gen_ai.response.id": "resp-1"}
	maps.Copy(answer, turn)
	chat(td, 1, 1, 5, answer)
	chat(td, 1, 2, 9, turn)
	chat(td, 1, 3, 7, turn)
	chat(td, 2, 4, 1, map[string]any{"gen_ai.conversation.id": "c-1", "app.tags": []any{"a"}})
	td.ResourceSpans().At(3).Resource().Attributes().PutStr("app.instance", "i-1")

	q := kept(t, keeper{index: true, attributes: []string{"app.message_id", "app.long", "app.tags", "app.instance"}}, td)
	conversation := store.NewDigest(store.KindConversationID, "c-1")
	assert.ElementsMatch(t, []store.IndexEntry{
		entry(spanDigest(1), 1, 1, 5),
		entry(store.NewDigest(store.KindResponseID, "resp-1"), 1, 1, 5),
		entry(spanDigest(2), 1, 2, 9),
		entry(spanDigest(3), 1, 3, 7),
		entry(spanDigest(4), 2, 4, 1),
		entry(conversation, 1, 0, 9),
		entry(conversation, 2, 0, 1),
		entry(store.NewDigest(store.KindAttribute("app.message_id"), "42"), 1, 0, 9),
		entry(store.NewDigest(store.KindAttribute("app.instance"), "i-1"), 2, 0, 1),
	}, q.entries)
	assert.Empty(t, q.contents)
	assert.Empty(t, q.results)
}

func TestContentOfSubjects(t *testing.T) {
	td := ptrace.NewTraces()
	tool := map[string]any{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": `{"q":1}`, "gen_ai.tool.call.result": "42"}
	chat(td, 1, 1, 0, nil)
	chat(td, 1, 2, 0, nil).SetParentSpanID([8]byte{1})
	chat(td, 1, 3, 0, tool).SetParentSpanID([8]byte{1})
	judged := chat(td, 1, 4, 0, tool)
	judged.SetParentSpanID([8]byte{1})
	a := check(1, 4)
	assessment.EncodeSpanEvent(judged.Events().AppendEmpty(), &a)
	chat(td, 1, 5, 0, map[string]any{
		"gen_ai.input.messages": "", "gen_ai.output.messages": "",
	}).Events().RemoveIf(func(ptrace.SpanEvent) bool { return true })
	chat(td, 1, 6, 0, map[string]any{
		"gen_ai.output.messages": `[{"role":"assistant","parts":[{"type":"text","content":"` + strings.Repeat("x", 2*store.MaxContent) + `"}]}]`,
	})

	q := kept(t, keeper{content: true}, td)
	assert.Empty(t, q.entries)
	assert.Equal(t, []assessment.Assessment{a}, q.results)
	got := map[string]store.Content{}
	for _, one := range q.contents {
		assert.Equal(t, pcommon.TraceID{1}.String(), one.TraceID)
		got[one.SpanID] = one.Content
	}
	said := store.Content{Question: secret + "?", Answer: secret + "."}
	root := said
	root.Root = true
	assert.Equal(t, root, got[pcommon.SpanID{1}.String()])
	assert.Equal(t, said, got[pcommon.SpanID{2}.String()])
	assert.Equal(t, store.Content{Question: `{"q":1}`, Answer: "42"}, got[pcommon.SpanID{4}.String()], "of any kind, where it is judged")
	long := got[pcommon.SpanID{6}.String()]
	assert.Len(t, long.Answer, store.MaxContent)
	assert.True(t, long.Cut)
	assert.Len(t, got, 4, "neither what nobody speaks of nor what has no text")
}

// What telemetry claims to be the queue's own is not taken for it.
func TestForeignRecordsAreNotIndexed(t *testing.T) {
	ld := logsOf(check(1, 1))
	for _, name := range []string{eventIndex, eventContent} {
		lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty()
		lr.SetEventName(name)
		lr.Body().SetEmptyBytes().FromRaw(make([]byte, 16))
	}
	r := reducer{keeper: keeper{index: true, content: true}}
	out := r.logs(ld)
	assert.Equal(t, 1, out.taken)
}

func TestUnreadableIndexRecords(t *testing.T) {
	r := reducer{}
	out := reduced{}
	lr := out.append()
	lr.SetEventName(eventIndex)
	lr.Body().SetStr("no digests")
	lr = out.append()
	lr.SetEventName(eventIndex)
	lr.Body().SetEmptyBytes().FromRaw([]byte{1, 2})
	assert.Empty(t, r.decode(out.logs).entries)
}

func TestIndexAndContentReachTheStore(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	fake := &fakeStore{}
	config := quickConfig()
	config.Index, config.StoreContent = configoptional.Some(IndexConfig{}), true
	config.IndexTTL, config.MaxIndex = time.Hour, 77
	exp, err := newFactory(fake.open).CreateTraces(t.Context(), metadatatest.NewSettings(tel), config)
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), host{}))
	td := ptrace.NewTraces()
	chat(td, 1, 1, 0, map[string]any{"gen_ai.response.id": "resp-1"})
	chat(td, 1, 2, 0, nil)
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	require.Eventually(t, func() bool {
		fake.mu.Lock()
		defer fake.mu.Unlock()
		return len(fake.entries) == 3 && len(fake.contents) == 2
	}, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		_, err := tel.GetMetric("otelcol_exporter_feedback_contents")
		return err == nil
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, exp.Shutdown(t.Context()))
	assert.Equal(t, time.Hour, fake.settings.IndexTTL)
	assert.Equal(t, 77, fake.settings.MaxIndex)
	assert.Zero(t, fake.puts)

	point := func(n int64, outcome string) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(attribute.String("outcome", outcome))}
	}
	metadatatest.AssertEqualExporterFeedbackIndexed(t, tel, []metricdata.DataPoint[int64]{point(3, "stored"), point(1, "evicted")},
		metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	metadatatest.AssertEqualExporterFeedbackContents(t, tel, []metricdata.DataPoint[int64]{point(1, "stored"), point(1, "refused")},
		metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
}

// The index holds no content, neither in the queue on disk nor in Redis, and survives a restart while Redis is down.
func TestPersistentQueueHoldsDigestsOnly(t *testing.T) {
	queue := newPersistentQueue(t)
	queue.config.Index = configoptional.Some(IndexConfig{})
	td := ptrace.NewTraces()
	chat(td, 1, 1, 0, map[string]any{"gen_ai.response.id": "resp-1"})

	queue.server.Close()
	queue.run(t, func(exp component.Component) {
		require.NoError(t, exp.(*node).ConsumeTraces(t.Context(), td))
	})
	onDisk := contentOf(t, queue.dir)
	assert.Contains(t, onDisk, eventIndex)
	assert.NotContains(t, onDisk, secret)
	assert.NotContains(t, onDisk, "resp-1")

	require.NoError(t, queue.server.Restart())
	queue.run(t, func(component.Component) {
		st := openStoreOf(t, queue.config)
		defer func() { require.NoError(t, st.Close()) }()
		require.Eventually(t, func() bool {
			matches, err := st.Resolve(t.Context(), store.NewDigest(store.KindResponseID, "resp-1"))
			return err == nil && len(matches) == 1 && matches[0].SpanID == pcommon.SpanID{1}.String()
		}, 20*time.Second, 10*time.Millisecond)
	})
	assert.NotContains(t, queue.server.Dump(), secret)
}
