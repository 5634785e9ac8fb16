package feedbackprocessor

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/judge"
)

// recentSize is how many keys one generation of recent holds: two of them are about 2 MiB.
const recentSize = 1 << 16

// exchangeKey is a hash of something by which an exchange that stands on several spans is known again.
type exchangeKey uint64

// exchange is how one subject of a judge is told from another: one key a way of being the same.
//
// The span itself comes again where two pipelines hold it, or a client sends it twice. Spans of a model are the same
// exchange where they carry the same response id and text, in whatever trace: an SDK and a proxy both report a call.
// Where one of them has no response id, the same question with the same answer in one trace must do. A chain or an
// agent is the same exchange as what gave its answer in the same trace, whatever form its question took.
type exchange struct {
	judge uint32
	kind  genai.Kind
	trace string
	// question and answer are hashes of what the judge is shown; where it is shown no answer, both are the question's.
	question, answer exchangeKey
	// span and response are valid in all traces; response is 0 where the span has no response id.
	span, response exchangeKey
}

// newExchange identifies the batch's subject for a judge that is shown input.
func newExchange(b *batch, judgeIndex uint32, input *judge.Input) exchange {
	trace, id := b.span.TraceID(), b.span.SpanID()
	e := exchange{judge: judgeIndex, kind: b.content.Kind(), trace: string(trace[:]), question: keyOf(0, input.Question)}
	if e.answer = keyOf(0, input.Answer, input.ToolCalls); input.Answer == "" && input.ToolCalls == "" {
		e.answer = e.question
	}
	e.span = e.key('s', e.trace, string(id[:]), string(e.kind))
	if response := b.content.ResponseID(); response != "" && e.kind == genai.KindLLM {
		e.response = e.key('r', response, e.answer.text())
	}
	return e
}

// keys are those under which the exchange may have been seen, and those under which it will be found.
func (e *exchange) keys() (before, after [4]exchangeKey) {
	before[0], after[0], after[1] = e.response, e.response, e.span
	switch e.kind {
	case genai.KindLLM:
		named := e.key('i', e.trace, e.question.text(), e.answer.text()) // of spans with a response id
		nameless := e.key('n', e.trace, e.question.text(), e.answer.text())
		before[1], before[2] = nameless, e.key('w', e.trace, e.answer.text())
		after[2], after[3] = nameless, e.key('l', e.trace, e.answer.text())
		if e.response != 0 {
			after[2] = named
		} else {
			before[3] = named
		}
	case genai.KindAgent, genai.KindChain:
		wrapper := e.key('w', e.trace, e.answer.text())
		before[1], before[2], after[2] = wrapper, e.key('l', e.trace, e.answer.text()), wrapper
	}
	return before, after
}

func (e *exchange) key(what byte, texts ...string) exchangeKey {
	var head [5]byte
	binary.BigEndian.PutUint32(head[:], e.judge)
	head[4] = what
	return keyOf(what, append(texts, string(head[:]))...)
}

// keySeed is one for all, so that keys can be compared.
var keySeed = maphash.MakeSeed()

func keyOf(what byte, texts ...string) exchangeKey {
	var hash maphash.Hash
	hash.SetSeed(keySeed)
	_ = hash.WriteByte(what)
	var length [8]byte
	for _, text := range texts {
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		_, _ = hash.Write(length[:])
		_, _ = hash.WriteString(text)
	}
	return exchangeKey(hash.Sum64() | 1) // 0 is none
}

func (k exchangeKey) text() string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(k)))
}

// recent remembers the exchanges that were decided on last, under between recentSize and twice as many keys.
type recent struct {
	mu        sync.Mutex
	now, last map[exchangeKey]struct{}
}

// answered reports whether an exchange with the same response was decided on, in whatever trace.
func (r *recent) answered(e *exchange) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.has(e.response)
}

// passOver remembers an exchange that chance left out: in another trace it must not be drawn again.
func (r *recent) passOver(e *exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(e.response)
}

// claim remembers an exchange that is to be judged; false means that it was claimed before.
func (r *recent) claim(e *exchange) bool {
	before, after := e.keys()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.has(e.span) || slices.ContainsFunc(before[:], r.has) {
		return false
	}
	for _, key := range after {
		r.put(key)
	}
	return true
}

// forget takes back a claim whose offer came to nothing.
func (r *recent) forget(e *exchange) {
	_, after := e.keys()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range after {
		delete(r.now, key)
		delete(r.last, key)
	}
}

func (r *recent) has(key exchangeKey) bool {
	if key == 0 {
		return false
	}
	if _, ok := r.now[key]; ok {
		return true
	}
	_, ok := r.last[key]
	return ok
}

func (r *recent) put(key exchangeKey) {
	if key == 0 {
		return
	}
	if len(r.now) >= recentSize {
		r.now, r.last = nil, r.now
	}
	if r.now == nil {
		r.now = make(map[exchangeKey]struct{})
	}
	r.now[key] = struct{}{}
}
