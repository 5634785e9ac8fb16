package join

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/otelcol-feedback/otelcol-feedback/internal/bytesize"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that a test sets.
type clock struct{ time.Time }

func newClock() *clock { return &clock{time.Unix(1_800_000_000, 0)} }

func (c *clock) now() time.Time { return c.Time }

func (c *clock) advance(by time.Duration) { c.Time = c.Add(by) }

func keyOf(n byte) Key { return Key{Trace: pcommon.TraceID{1, n}, Span: pcommon.SpanID{2, n}} }

// newBuffer returns a buffer of at most size bytes, and the number of records it has given up unused.
func newBuffer(c *clock, size bytesize.Size) (buffer *Buffer[string], unused *int) {
	config := NewDefaultConfig()
	config.MaxSize = size
	unused = new(int)
	return New[string](config, c.now, func(n int) { *unused += n }), unused
}

// recordOf is a record with text; a complete one holds question and answer.
func recordOf(tb testing.TB, complete bool, text string) genai.Record {
	tb.Helper()
	record := plog.NewLogRecord()
	record.SetTraceID(pcommon.TraceID{1})
	record.SetSpanID(pcommon.SpanID{1})
	record.SetEventName("gen_ai.user.message")
	record.Body().SetEmptyMap().PutStr("content", text)
	if complete {
		record.SetEventName("gen_ai.client.inference.operation.details")
		record.Attributes().PutStr("gen_ai.output.messages", text)
	}
	read, ok := genai.ReadRecord("", record)
	require.True(tb, ok)
	return read
}

func TestRecordsBeforeTheirSpan(t *testing.T) {
	t.Parallel()
	now := newClock()
	b, unused := newBuffer(now, bytesize.MiB)
	assert.Empty(t, b.Records(keyOf(1)))
	assert.Empty(t, b.AddRecord(keyOf(1), recordOf(t, false, "a")))
	assert.Empty(t, b.AddRecord(keyOf(1), recordOf(t, false, "b")))
	assert.Empty(t, b.AddRecord(keyOf(2), recordOf(t, false, "c")))
	assert.Len(t, b.Records(keyOf(1)), 2)
	assert.Len(t, b.Records(keyOf(1)), 2, "they stay for others who ask")
	now.advance(2*time.Minute - 1)
	b.Expire()
	assert.Len(t, b.Records(keyOf(1)), 2)
	now.advance(1)
	b.Expire()
	assert.Empty(t, b.Records(keyOf(1)))
	assert.Equal(t, 1, *unused, "the one that nobody asked for")
	assert.Zero(t, b.size)
}

func TestASpanWaits(t *testing.T) {
	t.Parallel()
	now := newClock()
	b, _ := newBuffer(now, bytesize.MiB)
	assert.Empty(t, b.Hold(keyOf(1), "first", 100, keyOf(1)))
	now.advance(time.Second)
	assert.Empty(t, b.Hold(keyOf(2), "second", 100, keyOf(2)))
	assert.Empty(t, b.AddRecord(keyOf(1), recordOf(t, false, "a")), "more may come")
	now.advance(9 * time.Second)
	assert.Equal(t, []string{"first"}, b.Expire())
	assert.Len(t, b.Records(keyOf(1)), 1)
	assert.Empty(t, b.Expire())
	now.advance(time.Second)
	assert.Equal(t, []string{"second"}, b.Expire())
}

func TestACompleteRecordEndsTheWait(t *testing.T) {
	t.Parallel()
	b, _ := newBuffer(newClock(), bytesize.MiB)
	assert.Empty(t, b.Hold(keyOf(1), "span", 100, keyOf(1)))
	assert.Empty(t, b.AddRecord(keyOf(2), recordOf(t, true, "a")), "of another span")
	assert.Equal(t, []string{"span"}, b.AddRecord(keyOf(1), recordOf(t, true, "a")))
	assert.Empty(t, b.AddRecord(keyOf(1), recordOf(t, true, "a")), "it waits no more")
	assert.Len(t, b.Records(keyOf(1)), 2)
}

func TestRecordsStayWhileTheirSpanWaits(t *testing.T) {
	t.Parallel()
	now := newClock()
	b, unused := newBuffer(now, bytesize.MiB)
	b.AddRecord(keyOf(1), recordOf(t, false, "a"))
	now.advance(2*time.Minute - time.Second)
	b.Hold(keyOf(9), "trace", 100, keyOf(0), keyOf(1))
	now.advance(9 * time.Second)
	assert.Empty(t, b.Expire())
	now.advance(time.Second)
	assert.Equal(t, []string{"trace"}, b.Expire())
	assert.Len(t, b.Records(keyOf(1)), 1)
	assert.Zero(t, *unused)
}

func TestASpanThatComesAgain(t *testing.T) {
	t.Parallel()
	b, _ := newBuffer(newClock(), bytesize.MiB)
	assert.Empty(t, b.Hold(keyOf(1), "first", 100))
	assert.Equal(t, []string{"first"}, b.Hold(keyOf(1), "again", 100), "each is returned once")
	assert.Equal(t, []string{"again"}, b.Close())
	assert.Zero(t, b.size)
}

func TestMakesRoomForTheNewest(t *testing.T) {
	t.Parallel()
	now := newClock()
	b, unused := newBuffer(now, 1000)
	b.AddRecord(keyOf(1), recordOf(t, false, strings.Repeat("a", 300)))
	now.advance(1)
	assert.Empty(t, b.Hold(keyOf(2), "old", 300, keyOf(2)))
	now.advance(1)
	assert.Empty(t, b.Hold(keyOf(3), "new", 600, keyOf(3)), "the oldest, a record, makes room")
	assert.Equal(t, 1, *unused)
	assert.Equal(t, []string{"old"}, b.Hold(keyOf(4), "newer", 200, keyOf(4)))
	assert.Equal(t, []string{"new", "newer", "huge"}, b.Hold(keyOf(5), "huge", 5000, keyOf(5)), "more than there can be room for waits not at all")
	b.AddRecord(keyOf(6), recordOf(t, true, strings.Repeat("a", 2000)))
	assert.Equal(t, 2, *unused)
	assert.Zero(t, b.size)
}

func TestClosed(t *testing.T) {
	t.Parallel()
	b, _ := newBuffer(newClock(), bytesize.MiB)
	b.Hold(keyOf(1), "span", 100)
	assert.Equal(t, []string{"span"}, b.Close())
	assert.Equal(t, []string{"late"}, b.Hold(keyOf(2), "late", 100), "nobody would ever return it")
	assert.Empty(t, b.Close())
}

// TestEachSpanIsReturnedOnce: whatever races with what, each span that is held is returned exactly once.
func TestEachSpanIsReturnedOnce(t *testing.T) {
	t.Parallel()
	const workers, each = 4, 500
	config := NewDefaultConfig()
	config.MaxSize = 8 << 10
	b := New[int](config, time.Now, func(int) {})
	record := recordOf(t, true, "a")
	var (
		mu       sync.Mutex
		returned = map[int]int{}
		all      sync.WaitGroup
	)
	note := func(ended []int) {
		mu.Lock()
		defer mu.Unlock()
		for _, n := range ended {
			returned[n]++
		}
	}
	for worker := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for n := range each {
				key := keyOf(byte(random.IntN(20)))
				note(b.Hold(key, worker*each+n, int64(random.IntN(300)), key))
				note(b.AddRecord(keyOf(byte(random.IntN(20))), record))
				note(b.Expire())
				b.Records(key)
			}
		})
	}
	all.Wait()
	note(b.Close())
	assert.Len(t, returned, workers*each)
	for n, times := range returned {
		assert.Equal(t, 1, times, n)
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"negative wait", func(c *Config) { c.SpanWait = -1 }, "`span_wait` is -1ns: give 0 or a positive duration"},
		{"records go first", func(c *Config) { c.RecordWait = c.SpanWait }, "`record_wait` is 10s: give more than `span_wait`, which is 10s"},
		{"no room", func(c *Config) { c.MaxSize = 1 }, "`max_size` is 1: give at least 64KiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := NewDefaultConfig()
			require.NoError(t, c.Validate())
			tt.change(&c)
			assert.ErrorContains(t, c.Validate(), tt.want)
		})
	}
}
