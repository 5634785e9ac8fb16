package join

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// Key names a span, or, without a span id, a whole trace.
type Key struct {
	Trace pcommon.TraceID
	Span  pcommon.SpanID
}

// Buffer holds spans of type S, whatever the caller makes of them, and log records until they have met. It is safe for
// concurrent use; it starts nothing: its owner calls Expire.
type Buffer[S any] struct {
	config Config
	now    func() time.Time
	// unused is told how many records were given up without having been asked for.
	unused func(records int)

	mu      sync.Mutex
	closed  bool
	size    int64
	records map[Key]*list.Element // of *texts
	spans   map[Key]*list.Element // of *held[S]
	// Both lists are in the order of arrival.
	texts, held *list.List
}

// texts are the records of one span.
type texts struct {
	key     Key
	since   time.Time
	size    int64
	used    bool
	records []genai.Record
}

// held is a span that waits.
type held[S any] struct {
	key   Key
	since time.Time
	size  int64
	span  S
}

// New returns an empty buffer.
func New[S any](config Config, now func() time.Time, unused func(records int)) *Buffer[S] {
	return &Buffer[S]{
		config: config, now: now, unused: unused,
		records: make(map[Key]*list.Element), spans: make(map[Key]*list.Element),
		texts: list.New(), held: list.New(),
	}
}

// Records returns the records of a span that are there. They stay, for others who ask.
func (b *Buffer[S]) Records(key Key) []genai.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	found, ok := b.records[key]
	if !ok {
		return nil
	}
	entry := found.Value.(*texts)
	entry.used = true
	return slices.Clip(entry.records) // later ones are appended to a copy
}

// AddRecord keeps a record, of which nobody else may write. It returns the spans whose wait has ended: the record's
// own, if that is all that it waited for, and those that had to make room.
func (b *Buffer[S]) AddRecord(key Key, record genai.Record) []S {
	b.mu.Lock()
	defer b.mu.Unlock()
	size := int64(record.Size())
	if size > int64(b.config.MaxSize) {
		b.unused(1)
		return nil
	}
	found, ok := b.records[key]
	if !ok {
		found = b.texts.PushBack(&texts{key: key, since: b.now()})
		b.records[key] = found
	}
	entry := found.Value.(*texts)
	entry.records, entry.used = append(entry.records, record), false
	entry.size += size
	b.size += size
	var ended []S
	if record.Complete() {
		if waiting, ok := b.spans[key]; ok {
			ended = append(ended, b.release(waiting))
		}
	}
	return b.makeRoom(ended)
}

// Hold lets a span wait, which the records of all the keys are about; one that waits already is replaced. It returns
// the spans that had to make room.
func (b *Buffer[S]) Hold(key Key, span S, size int64, about ...Key) []S {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return []S{span}
	}
	var ended []S
	for _, key := range about {
		if found, ok := b.records[key]; ok { // they must not go before the span does
			found.Value.(*texts).since = b.now()
			b.texts.MoveToBack(found)
		}
	}
	if again, ok := b.spans[key]; ok {
		ended = append(ended, b.release(again))
	}
	b.spans[key] = b.held.PushBack(&held[S]{key: key, since: b.now(), size: size, span: span})
	b.size += size
	return b.makeRoom(ended)
}

// Expire returns the spans that have waited long enough, and forgets the records that have.
func (b *Buffer[S]) Expire() []S {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	var ended []S
	for front := b.held.Front(); front != nil && now.Sub(front.Value.(*held[S]).since) >= b.config.SpanWait; front = b.held.Front() {
		ended = append(ended, b.release(front))
	}
	for front := b.texts.Front(); front != nil && now.Sub(front.Value.(*texts).since) >= b.config.RecordWait; front = b.texts.Front() {
		b.forget(front)
	}
	return ended
}

// Close returns all spans that wait. From then on none does: Hold returns what it is given.
func (b *Buffer[S]) Close() []S {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	var ended []S
	for front := b.held.Front(); front != nil; front = b.held.Front() {
		ended = append(ended, b.release(front))
	}
	return ended
}

// makeRoom gives up what has waited longest until all is within the bound.
func (b *Buffer[S]) makeRoom(ended []S) []S {
	for b.size > int64(b.config.MaxSize) {
		text, span := b.texts.Front(), b.held.Front()
		if span == nil || text != nil && text.Value.(*texts).since.Before(span.Value.(*held[S]).since) {
			b.forget(text)
			continue
		}
		ended = append(ended, b.release(span))
	}
	return ended
}

func (b *Buffer[S]) release(element *list.Element) S {
	one := b.held.Remove(element).(*held[S])
	delete(b.spans, one.key)
	b.size -= one.size
	return one.span
}

func (b *Buffer[S]) forget(element *list.Element) {
	one := b.texts.Remove(element).(*texts)
	delete(b.records, one.key)
	b.size -= one.size
	if !one.used {
		b.unused(len(one.records))
	}
}
