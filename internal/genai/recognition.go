package genai

import (
	"math/bits"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// found is the set of the conventions that a span shows signs of, by their place in the table.
type found uint64

func (f found) has(place int) bool { return f&(1<<place) != 0 }

// mark is the beginning of a key that shows a convention, or several.
type mark struct {
	key   string
	found found
	kind  func(key string, value pcommon.Value) (Kind, rank)
	// by is the convention that kind is of.
	by found
}

// index holds all that recognition needs, in a form that passes over foreign keys at a glance.
type index struct {
	// names are the conventions' names, in their order.
	names [len(conventions)]string
	// always are those that are asked about every GenAI span.
	always found
	// second tells which second bytes, less their upper bits, follow a first byte.
	second [256]uint64
	marks  [256][]mark
	facts  [facts][]factKey
	deep   []deepFacts
}

var known = newIndex()

func newIndex() *index {
	var in index
	for f, keys := range genericFacts {
		for _, key := range keys {
			in.facts[f] = append(in.facts[f], factKey{key, ^found(0)})
		}
	}
	for place, one := range conventions {
		a, bit := one.about(), found(1)<<place
		in.names[place] = a.name
		if len(a.keys) == 0 {
			in.always |= bit
			bit = ^found(0) // its facts may stand on any span
		}
		for _, key := range a.keys {
			in.add(mark{key, bit, a.kind, 1 << place})
		}
		for f, keys := range a.facts {
			for _, key := range keys {
				in.facts[f] = append(in.facts[f], factKey{key, bit})
			}
		}
		if a.deep != nil {
			in.deep = append(in.deep, deepFacts{bit, a.deep})
		}
	}
	return &in
}

// name is the name of the first of some conventions, or "".
func (in *index) name(of found) string {
	if of == 0 {
		return ""
	}
	return in.names[bits.TrailingZeros64(uint64(of))]
}

// add notes a mark; conventions that share one have it once.
func (in *index) add(m mark) {
	first := m.key[0]
	in.second[first] |= 1 << (m.key[1] & 63)
	for n := range in.marks[first] {
		if old := &in.marks[first][n]; old.key == m.key {
			old.found |= m.found
			if old.kind == nil {
				old.kind, old.by = m.kind, m.by
			}
			return
		}
	}
	in.marks[first] = append(in.marks[first], m)
}

// recognise looks at the attributes alone: which conventions they show, and what kind of work the span did. It
// allocates nothing and parses no text. by are the conventions of the attribute that told the kind.
func recognise(attributes pcommon.Map) (kind Kind, all, by found) {
	kind, best := KindOther, unranked
	for key, value := range attributes.All() {
		if len(key) < 2 || known.second[key[0]]&(1<<(key[1]&63)) == 0 {
			continue
		}
		for n := range known.marks[key[0]] {
			m := &known.marks[key[0]][n]
			if !strings.HasPrefix(key, m.key) {
				continue
			}
			all |= m.found
			if m.kind != nil {
				if k, r := m.kind(key, value); r < best && k != "" {
					kind, best, by = k, r, m.by
				}
			}
			break // no mark begins with another
		}
	}
	return kind, all | known.always, by
}
