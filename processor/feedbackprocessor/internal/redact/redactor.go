package redact

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/finder"
)

const (
	// maxText bounds what is looked at of a text, in bytes.
	maxText = 1 << 20
	// overlap is the end of a longer text that is looked at but not kept: what begins before it is seen whole.
	overlap = 8 << 10
	// maxMatches bounds the matches of one pattern in a text.
	maxMatches = 10_000
)

// Redactor redacts texts. It is safe for concurrent use; a nil one leaves texts as they are.
type Redactor struct {
	finders     []finder.Finder
	patterns    []*regexp.Regexp
	replacement string
}

// New compiles a configuration; it returns nil where there is nothing to redact.
func New(cfg *Config) (*Redactor, error) {
	finders, patterns, err := cfg.compile()
	if err != nil || len(finders)+len(patterns) == 0 {
		return nil, err
	}
	return &Redactor{finders: finders, patterns: patterns, replacement: cmp.Or(cfg.Replacement, defaultReplacement)}, nil
}

// Identity is all of the configuration that shapes what a judge sees, for its fingerprint; "" where nothing is
// redacted.
func (r *Redactor) Identity() string {
	if r == nil {
		return ""
	}
	patterns := make([]string, len(r.patterns))
	for i, pattern := range r.patterns {
		patterns[i] = pattern.String()
	}
	slices.Sort(patterns)
	identity, _ := json.Marshal([]any{"redact/1", finder.Identity(r.finders), slices.Compact(patterns), r.replacement}) // strings can be marshalled
	return string(identity)
}

// Redact puts the replacement in the place of all that is found; finds that overlap or touch become one. Nothing
// unlooked-at is kept: a text of more than 1 MiB is cut, and where a pattern matches more than 10,000 times, the rest of
// the text is one find.
func (r *Redactor) Redact(text string) string {
	if r == nil {
		return text
	}
	keep := len(text)
	if len(text) > maxText {
		text = text[:border(text, maxText)]
		keep = border(text, maxText-overlap)
	}
	var found []finder.Range
	for _, one := range r.finders {
		found = append(found, one.Find(text)...)
	}
	for _, pattern := range r.patterns {
		found = appendMatches(found, pattern, text)
	}
	if len(found) == 0 {
		return text[:keep]
	}
	slices.SortFunc(found, func(a, b finder.Range) int { return cmp.Compare(a.Start, b.Start) })
	return r.replace(text, keep, found)
}

// appendMatches appends the matches of a pattern, but for those of nothing at all.
func appendMatches(found []finder.Range, pattern *regexp.Regexp, text string) []finder.Range {
	matches := pattern.FindAllStringIndex(text, maxMatches)
	for _, match := range matches {
		if match[0] < match[1] {
			found = append(found, finder.Range{Start: match[0], End: match[1]})
		}
	}
	if len(matches) == maxMatches {
		found = append(found, finder.Range{Start: matches[maxMatches-1][0], End: len(text)})
	}
	return found
}

// replace writes what is kept of a text: the beginning, without the finds, which come in order.
func (r *Redactor) replace(text string, keep int, found []finder.Range) string {
	var out strings.Builder
	last := 0
	for i, find := range found {
		if find.Start >= keep {
			break
		}
		if find.Start > last || i == 0 {
			out.WriteString(text[last:find.Start])
			out.WriteString(r.replacement)
		}
		last = max(last, find.End)
	}
	if last < keep {
		out.WriteString(text[last:keep])
	}
	return out.String()
}

// border is the last border between two runes up to i.
func border(text string, i int) int {
	for back := range utf8.UTFMax {
		if i-back <= 0 || i-back >= len(text) {
			break
		}
		if utf8.RuneStart(text[i-back]) {
			return i - back
		}
	}
	return i
}
