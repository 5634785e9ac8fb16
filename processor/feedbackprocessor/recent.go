package feedbackprocessor

import (
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// recentSize is how many subjects one generation of recent holds: two of them are 4 MiB.
const recentSize = 1 << 15

// subjectKey names one (judge, subject) pair.
type subjectKey struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
	judge uint32
}

// recent remembers the pairs that were queued last, between recentSize and twice as many. Two traces pipelines, or a
// client that sends again, offer the same subject twice; the second offer would be paid for a second time.
type recent struct {
	mu        sync.Mutex
	now, last map[subjectKey]struct{}
}

// add reports whether the pair is new, and remembers it.
func (r *recent) add(key subjectKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.now[key]; ok {
		return false
	}
	if _, ok := r.last[key]; ok {
		return false
	}
	if len(r.now) >= recentSize {
		r.now, r.last = nil, r.now
	}
	if r.now == nil {
		r.now = make(map[subjectKey]struct{})
	}
	r.now[key] = struct{}{}
	return true
}

// forget takes back an add whose offer came to nothing.
func (r *recent) forget(key subjectKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.now, key)
	delete(r.last, key)
}
