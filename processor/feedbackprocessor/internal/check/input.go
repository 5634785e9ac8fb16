package check

import (
	"sync"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// maxPooled bounds the buffers that are kept between evaluations, in elements.
const maxPooled = 64 << 10

// input is what one evaluation works on and with. It is pooled.
type input struct {
	subject *Subject
	texts   [5]text // by index in targets
	text    *text   // the one under test
	facts   facts
	// What a composite puts together.
	failed                 []bool
	rationale, list, value []byte
	// head is what refusal works on, hashes and seen what repetition does.
	head         []byte
	hashes, seen []uint64
}

var inputs = sync.Pool{New: func() any { return new(input) }}

// text is one target, with what several parts may want to know about it.
type text struct {
	raw        string
	state      genai.State
	characters int // -1: not counted
	folded     bool
	lower      []byte
}

// facts is what a test found out.
type facts struct {
	holds bool
	// value is set where the value is not whether the test holds; judged says that it has a verdict all the same.
	value  assessment.Value
	judged bool
	// state says why there was nothing to test.
	state   genai.State
	length  int
	count   int
	share   float64
	found   terms
	missing terms
	problem string
}

func (f *facts) reset() {
	*f = facts{found: f.found[:0], missing: f.missing[:0]}
}

func newInput(s *Subject) *input {
	in := inputs.Get().(*input)
	in.subject = s
	return in
}

// free forgets all that belongs to the subject.
func (in *input) free() {
	in.subject, in.text = nil, nil
	for i := range in.texts {
		t := &in.texts[i]
		*t = text{lower: bounded(t.lower)}
	}
	clear(in.facts.found)
	clear(in.facts.missing)
	in.facts.reset()
	in.rationale, in.list, in.value = bounded(in.rationale), bounded(in.list), bounded(in.value)
	in.head = bounded(in.head)
	in.hashes, in.seen = bounded(in.hashes), bounded(in.seen)
	inputs.Put(in)
}

func bounded[T any](buffer []T) []T {
	if cap(buffer) > maxPooled {
		return nil
	}
	return buffer[:0]
}

// use reads a target, once, and makes it the text under test.
func (in *input) use(target int) genai.State {
	t := &in.texts[target]
	if t.state == "" {
		t.raw, t.state = in.subject.Interaction.Text(targets[target])
		t.characters = -1
	}
	in.text = t
	return t.state
}

// lowered is the text in lower case.
func (t *text) lowered() []byte {
	if !t.folded {
		var ascii bool
		t.lower, ascii = appendLower(t.lower[:0], t.raw)
		t.folded = true
		if ascii {
			t.characters = len(t.raw)
		}
	}
	return t.lower
}

// count is the number of code points.
func (t *text) count() int {
	if t.characters < 0 {
		t.characters = countCharacters(t.raw)
	}
	return t.characters
}
