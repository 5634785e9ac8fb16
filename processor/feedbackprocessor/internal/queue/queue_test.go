package queue

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

var (
	queueID   = component.MustNewIDWithName("feedback_judges", "quality")
	storageID = component.MustNewIDWithName("file_storage", "judges")
)

// host has the extensions that a test gives it.
type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// startStorage starts a file storage over a directory; the returned function stops it.
func startStorage(t *testing.T, dir string) (host, func()) {
	t.Helper()
	factory := filestorage.NewFactory()
	config := factory.CreateDefaultConfig().(*filestorage.Config)
	config.Directory = dir
	extension, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), config)
	require.NoError(t, err)
	require.NoError(t, extension.Start(t.Context(), componenttest.NewNopHost()))
	return host{storageID: extension}, func() { require.NoError(t, extension.Shutdown(context.Background())) }
}

// account is a handler that counts what becomes of items.
type account struct {
	handle func(ctx context.Context, item Item) bool

	mu                                      sync.Mutex
	settled, recovered, outdated, abandoned int
	seen                                    map[pcommon.SpanID]int
}

func (a *account) Handle(ctx context.Context, item Item) bool {
	settled := a.handle == nil || a.handle(ctx, item)
	a.mu.Lock()
	defer a.mu.Unlock()
	if settled {
		a.settled++
		if a.seen == nil {
			a.seen = map[pcommon.SpanID]int{}
		}
		a.seen[item.SpanID]++
	}
	return settled
}

func (a *account) add(n *int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*n++
}

func (a *account) Recovered(Item) { a.add(&a.recovered) }
func (a *account) Outdated(Item)  { a.add(&a.outdated) }
func (a *account) Abandoned(Item) { a.add(&a.abandoned) }

func (a *account) counts() (settled, recovered, outdated, abandoned int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settled, a.recovered, a.outdated, a.abandoned
}

func hang(ctx context.Context, _ Item) bool {
	<-ctx.Done()
	return false
}

func newQueue(tb testing.TB, handler Handler, change func(*Settings)) *Queue {
	tb.Helper()
	settings := Settings{
		ID: queueID, Telemetry: componenttest.NewNopTelemetrySettings(), Config: NewDefaultConfig(), Handler: handler, Run: "run 1",
	}
	if change != nil {
		change(&settings)
	}
	q, err := New(settings)
	require.NoError(tb, err)
	return q
}

func stored(settings *Settings) { settings.Config.StorageID = &storageID }

func newItem(n int) Item {
	return Item{
		TraceID: pcommon.TraceID{1}, SpanID: pcommon.SpanID{byte(n >> 16), byte(n >> 8), byte(n), 1},
		Judge: "quality", Fingerprint: "abc", Rule: "rest", Stratum: "random", Probability: 0.25, ResponseID: "r",
		Parts: []Part{{"question", "why?"}, {"answer", "because"}}, Truncated: true, SpansSeen: 3,
	}
}

// over is a drain that has ended already.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestItemSurvivesTheQueue(t *testing.T) {
	for _, persistent := range []bool{false, true} {
		t.Run(fmt.Sprintf("persistent=%v", persistent), func(t *testing.T) {
			t.Parallel()
			items := make(chan Item, 1)
			handler := &account{handle: func(_ context.Context, item Item) bool { items <- item; return true }}
			extensions := componenttest.NewNopHost()
			q := newQueue(t, handler, nil)
			if persistent {
				storage, stop := startStorage(t, t.TempDir())
				defer stop()
				extensions, q = storage, newQueue(t, handler, stored)
			}
			q.now = func() time.Time { return time.Unix(1_800_000_000, 5) }
			require.NoError(t, q.Start(t.Context(), extensions))
			require.NoError(t, q.Offer(newItem(7)))
			want := newItem(7)
			want.run, want.Queued = "run 1", q.now()
			assert.Equal(t, want, <-items)
			require.NoError(t, q.Shutdown(t.Context()))
			assert.Zero(t, q.Pending())
		})
	}
}

func TestOfferOutsideItsTime(t *testing.T) {
	t.Parallel()
	q := newQueue(t, &account{}, nil)
	require.ErrorIs(t, q.Offer(newItem(1)), ErrClosed)
	require.NoError(t, q.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, q.Shutdown(t.Context()))
	require.ErrorIs(t, q.Offer(newItem(1)), ErrClosed)
	assert.Zero(t, q.Pending())
}

func TestShutdownWithoutStart(t *testing.T) {
	t.Parallel()
	require.NoError(t, newQueue(t, &account{}, nil).Shutdown(t.Context()))
	require.NoError(t, newQueue(t, &account{}, stored).Shutdown(t.Context()))
}

func TestStartWithoutStorage(t *testing.T) {
	t.Parallel()
	q := newQueue(t, &account{}, stored)
	err := q.Start(t.Context(), componenttest.NewNopHost())
	require.ErrorContains(t, err, "file_storage/judges")
	require.ErrorIs(t, q.Offer(newItem(1)), ErrClosed)
	require.NoError(t, q.Shutdown(t.Context()))
}

// TestShutdownOfAThousand holds 1,000 items behind workers that hang: memory must count all of them, storage must
// keep all of them, those under way included, and hand them to the next start.
func TestShutdownOfAThousand(t *testing.T) {
	const n = 1000
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		handler := &account{handle: hang}
		q := newQueue(t, handler, nil)
		require.NoError(t, q.Start(t.Context(), componenttest.NewNopHost()))
		for i := range n {
			require.NoError(t, q.Offer(newItem(i)))
		}
		require.NoError(t, q.Shutdown(over()))
		settled, _, _, abandoned := handler.counts()
		assert.Zero(t, settled)
		assert.Equal(t, n, abandoned)
		assert.Zero(t, q.Pending())
	})
	t.Run("memory drains in time", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		handler := &account{handle: func(context.Context, Item) bool { <-release; return true }}
		q := newQueue(t, handler, nil)
		require.NoError(t, q.Start(t.Context(), componenttest.NewNopHost()))
		for i := range n {
			require.NoError(t, q.Offer(newItem(i)))
		}
		close(release)
		require.NoError(t, q.Shutdown(t.Context()))
		settled, _, _, abandoned := handler.counts()
		assert.Equal(t, n, settled)
		assert.Zero(t, abandoned)
	})
	t.Run("storage", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		storage, stop := startStorage(t, dir)
		handler := &account{handle: hang}
		q := newQueue(t, handler, stored)
		require.NoError(t, q.Start(t.Context(), storage))
		for i := range n {
			require.NoError(t, q.Offer(newItem(i)))
		}
		require.NoError(t, q.Shutdown(over()))
		stop()
		assert.Zero(t, handler.settled+handler.abandoned)
		assert.EqualValues(t, n, q.Pending())

		storage, stop = startStorage(t, dir)
		defer stop()
		again := &account{}
		q = newQueue(t, again, func(settings *Settings) { stored(settings); settings.Run = "run 2" })
		require.NoError(t, q.Start(t.Context(), storage))
		require.Eventually(t, func() bool { settled, _, _, _ := again.counts(); return settled == n }, time.Minute, time.Millisecond)
		require.NoError(t, q.Shutdown(t.Context()))
		assert.Equal(t, n, again.recovered)
		assert.Len(t, again.seen, n, "each one once")
		assert.Zero(t, q.Pending())
	})
}

func TestPersistentQueueDoesNotDrain(t *testing.T) {
	t.Parallel()
	storage, stop := startStorage(t, t.TempDir())
	defer stop()
	release := make(chan struct{})
	started := make(chan struct{}, 100)
	handler := &account{handle: func(context.Context, Item) bool { started <- struct{}{}; <-release; return true }}
	q := newQueue(t, handler, stored)
	require.NoError(t, q.Start(t.Context(), storage))
	for i := range 100 {
		require.NoError(t, q.Offer(newItem(i)))
	}
	for range NewDefaultConfig().NumConsumers {
		<-started
	}
	ended := make(chan error)
	go func() { ended <- q.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		q.mu.RLock()
		defer q.mu.RUnlock()
		return !q.open
	}, time.Minute, time.Millisecond)
	close(release)
	require.NoError(t, <-ended)
	settled, _, _, _ := handler.counts()
	assert.EqualValues(t, 100-settled, q.Pending(), "what is not settled is kept")
}

func TestItemOfAnotherFormat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(pcommon.Map)
	}{
		{name: "newer version", change: func(m pcommon.Map) { m.PutInt(keyVersion, formatVersion+1) }},
		{name: "version is no number", change: func(m pcommon.Map) { m.PutStr(keyVersion, "1") }},
		{name: "no version", change: func(m pcommon.Map) { m.Remove(keyVersion) }},
		{name: "nothing", change: func(m pcommon.Map) { m.RemoveIf(func(string, pcommon.Value) bool { return true }) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			handler := &account{}
			q := newQueue(t, handler, nil)
			item := newItem(1)
			td := item.encode()
			tt.change(td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes())
			require.NoError(t, q.work(t.Context(), td))
			settled, recovered, outdated, _ := handler.counts()
			assert.Zero(t, settled)
			assert.Equal(t, 1, recovered)
			assert.Equal(t, 1, outdated)
			assert.Zero(t, q.Pending())
			require.NoError(t, q.Shutdown(t.Context()))
		})
	}
}

// TestNothingOfTheRequestIsStored: what a judge's queue writes to disk is the item alone.
func TestNothingOfTheRequestIsStored(t *testing.T) {
	t.Parallel()
	item := newItem(1)
	td := item.encode()
	assert.Zero(t, td.ResourceSpans().At(0).Resource().Attributes().Len())
	span := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	assert.Zero(t, span.Events().Len())
	assert.Empty(t, span.TraceState().AsRaw())
}

// TestHelperNoise pins the text by which the helper's lines per item are told from those of the storage: with the
// logger as it is they are there, with ours they are not.
func TestHelperNoise(t *testing.T) {
	tests := []struct {
		name  string
		quiet bool
		want  bool
	}{
		{name: "as it is", want: true},
		{name: "quiet", quiet: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			core, logs := observer.New(zapcore.DebugLevel)
			set := exporter.Settings{ID: queueID, TelemetrySettings: componenttest.NewNopTelemetrySettings()}
			set.Logger = zap.New(core)
			if tt.quiet {
				set.Logger = quiet(set.Logger)
			}
			config := NewDefaultConfig()
			config.NumConsumers, config.QueueSize = 1, 1
			release := make(chan struct{})
			helper, err := exporterhelper.NewTraces(t.Context(), set, &config,
				func(context.Context, ptrace.Traces) error { <-release; return errKept },
				exporterhelper.WithQueue(configoptional.Some(config)),
				exporterhelper.WithRetry(configretry.NewDefaultBackOffConfig()))
			require.NoError(t, err)
			require.NoError(t, helper.Start(t.Context(), componenttest.NewNopHost()))
			item := newItem(1)
			require.NoError(t, helper.ConsumeTraces(t.Context(), item.encode()))
			require.Error(t, helper.ConsumeTraces(t.Context(), item.encode()))
			close(release)
			require.NoError(t, helper.Shutdown(t.Context()))
			for _, message := range []string{
				"Exporting failed. Rejecting data.",
				"Exporting failed. Will retry the request after interval.",
				"Exporting failed. Dropping data.",
			} {
				assert.Equal(t, tt.want, logs.FilterMessage(message).Len() > 0, message)
			}
		})
	}
}

func TestRefusalIsSaidOnce(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.DebugLevel)
	q := newQueue(t, &account{handle: hang}, func(settings *Settings) {
		settings.Config.NumConsumers, settings.Config.QueueSize = 1, 1
		settings.Telemetry.Logger = zap.New(core)
	})
	require.NoError(t, q.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, q.Offer(newItem(0)))
	for i := range 100 {
		require.Error(t, q.Offer(newItem(i)))
	}
	require.NoError(t, q.Shutdown(over()))
	assert.Equal(t, 1, logs.Len())
	assert.Equal(t, 1, logs.FilterMessageSnippet("takes no more judgements").Len())
}

func TestQuietPassesOtherLines(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.DebugLevel)
	logger := quiet(zap.New(core)).With(zap.String("k", "v"))
	logger.Error("Exporting failed. Rejecting data.")
	logger.Info("Exporting failed. Will retry the request after interval.")
	logger.Error("Error deleting item from queue")
	require.Equal(t, 1, logs.Len())
	assert.Equal(t, "Error deleting item from queue", logs.All()[0].Message)
	assert.Equal(t, map[string]any{"k": "v"}, logs.All()[0].ContextMap())
}

func TestTakesAgainIsSaidOnce(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zapcore.DebugLevel)
	release := make(chan struct{})
	handler := &account{handle: func(context.Context, Item) bool { <-release; return true }}
	q := newQueue(t, handler, func(settings *Settings) {
		settings.Config.NumConsumers, settings.Config.QueueSize = 1, 1
		settings.Telemetry.Logger = zap.New(core)
	})
	now := time.Unix(0, 0)
	q.now = func() time.Time { return now }
	require.NoError(t, q.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, q.Offer(newItem(0)))
	require.Error(t, q.Offer(newItem(0)))
	taken := func() bool { return q.Offer(newItem(0)) == nil }
	release <- struct{}{}
	require.Eventually(t, taken, time.Minute, time.Millisecond)
	assert.Zero(t, logs.FilterMessageSnippet("again").Len(), "too early to call it over")
	now = now.Add(calm)
	require.Eventually(t, func() bool {
		select {
		case release <- struct{}{}:
		default:
		}
		if taken() {
			return logs.FilterMessageSnippet("again").Len() == 1
		}
		now = now.Add(calm) // it was refused while a worker was busy
		return false
	}, time.Minute, time.Millisecond)
	close(release)
	require.NoError(t, q.Shutdown(t.Context()))
	assert.Equal(t, 1, logs.FilterMessageSnippet("again").Len())
}

// TestOffersRaceShutdown: whatever Offer accepted is settled or abandoned, and nothing is counted twice.
func TestOffersRaceShutdown(t *testing.T) {
	t.Parallel()
	for range 20 {
		handler := &account{}
		q := newQueue(t, handler, func(settings *Settings) { settings.Config.QueueSize = 50 })
		require.NoError(t, q.Start(t.Context(), componenttest.NewNopHost()))
		var accepted, closed, full int
		var mu sync.Mutex
		var offers sync.WaitGroup
		for producer := range 4 {
			offers.Go(func() {
				for i := range 400 {
					err := q.Offer(newItem(producer<<12 + i))
					mu.Lock()
					switch {
					case err == nil:
						accepted++
					case errors.Is(err, ErrClosed):
						closed++
					default:
						full++
					}
					mu.Unlock()
				}
			})
		}
		require.NoError(t, q.Shutdown(t.Context()))
		offers.Wait()
		settled, _, _, abandoned := handler.counts()
		assert.Equal(t, accepted, settled+abandoned)
		assert.Equal(t, 1600, accepted+closed+full)
		assert.Zero(t, q.Pending())
	}
}

func TestFileName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	storage, stop := startStorage(t, dir)
	defer stop()
	q := newQueue(t, &account{}, stored)
	require.NoError(t, q.Start(t.Context(), storage))
	require.NoError(t, q.Shutdown(t.Context()))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "exporter_feedback_judges_quality_traces")}, files)
}

func BenchmarkOffer(b *testing.B) {
	text := strings.Repeat("x", 4096)
	for _, full := range []bool{false, true} {
		b.Run(fmt.Sprintf("full=%v", full), func(b *testing.B) {
			handler := &account{handle: func(context.Context, Item) bool { return true }}
			if full {
				handler.handle = hang
			}
			q := newQueue(b, handler, func(settings *Settings) {
				if full {
					settings.Config.QueueSize = 8
				}
			})
			require.NoError(b, q.Start(b.Context(), componenttest.NewNopHost()))
			item := newItem(1)
			item.Parts = []Part{{"answer", text}}
			b.ReportAllocs()
			for b.Loop() {
				_ = q.Offer(item)
			}
			b.StopTimer()
			require.NoError(b, q.Shutdown(over()))
		})
	}
}
