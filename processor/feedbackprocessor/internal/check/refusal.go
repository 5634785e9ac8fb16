package check

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	refusalKey    = "refusal"
	defaultWithin = 200
	maxWithin     = 2000
)

// RefusalConfig holds when a text begins by refusing: when a known phrase, or one of phrases, is among its first
// characters. Known are phrases in English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian,
// Turkish, Arabic, Chinese, Japanese and Korean; what refuses in other words is a matter for a judge.
type RefusalConfig struct {
	// Phrases are looked for beside the known ones, as whole words and without regard to case. Default none.
	Phrases []string `mapstructure:"phrases"`
	// Within is the number of characters at the beginning in which a phrase starts, up to 2000. Default 200.
	Within int `mapstructure:"within"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*RefusalConfig)(nil)
	_ kindConfig        = (*RefusalConfig)(nil)
	_ kind              = (*refusal)(nil)
)

// Validate implements confmap.Validator.
func (c *RefusalConfig) Validate() error {
	var errs []error
	if c.Within < 0 || c.Within > maxWithin {
		errs = append(errs, fmt.Errorf("`within` is %d: give 1 to %d characters, or leave it out for %d", c.Within, maxWithin, defaultWithin))
	}
	if slices.ContainsFunc(c.Phrases, func(phrase string) bool { return strings.TrimSpace(phrase) == "" }) {
		errs = append(errs, errors.New("`phrases` has a blank one, which every text contains: remove it"))
	}
	return errors.Join(errs...)
}

func (*RefusalConfig) key() string { return refusalKey }

func (*RefusalConfig) fields() []field { return []field{fieldValue, fieldFound} }

func (*RefusalConfig) reads() source { return sourceTarget }

func (c *RefusalConfig) compile(component.TelemetrySettings) (kind, error) {
	known := phraseLines(refusals)
	r := &refusal{phrases: parsePhrases(known), within: c.Within, known: known, own: c.Phrases}
	if r.within == 0 {
		r.within = defaultWithin
	}
	for _, text := range c.Phrases {
		r.phrases = append(r.phrases, phrase{opener: appendFolded(nil, strings.TrimSpace(text))})
	}
	return r, nil
}

//go:embed refusal.txt
var refusals string

// phrase is an opener, and what must follow it: any one of the continuations, if there are some.
type phrase struct {
	opener        []byte
	continuations [][]byte
}

// phraseLines are the lines of a list of phrases, without its comments.
func phraseLines(list string) []string {
	var lines []string
	for line := range strings.Lines(list) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

func parsePhrases(lines []string) []phrase {
	var phrases []phrase
	for _, line := range lines {
		openers, rest, _ := strings.Cut(line, " > ")
		var continuations [][]byte
		for text := range strings.SplitSeq(rest, " | ") {
			if text != "" {
				continuations = append(continuations, appendFolded(nil, text))
			}
		}
		for text := range strings.SplitSeq(openers, " | ") {
			phrases = append(phrases, phrase{appendFolded(nil, text), continuations})
		}
	}
	return phrases
}

// appendFolded appends a text as it is compared: in lower case, with straight apostrophes.
func appendFolded(dst []byte, text string) []byte {
	dst, _ = appendLower(dst, strings.ReplaceAll(text, "’", "'"))
	return dst
}

type refusal struct {
	phrases    []phrase
	known, own []string
	within     int
}

func (r *refusal) identity() any { return []any{refusalKey, r.known, r.own, r.within} }

func (r *refusal) test(_ context.Context, in *input) *assessment.Error {
	const longest = 64 // characters of a known phrase
	text := in.text.raw
	start := len(prefixOf(text, r.within))
	in.head = appendFolded(in.head[:0], text[:start+len(prefixOf(text[start:], longest))])
	for i := range r.phrases {
		if found := r.phrases[i].in(in.head, start); found != "" {
			in.facts.found = append(in.facts.found, found)
			in.facts.holds = true
			break
		}
	}
	return nil
}

// prefixOf is the first n characters of a text.
func prefixOf(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// in returns the phrase as it stands in a folded text, if it starts before limit.
func (p *phrase) in(text []byte, limit int) string {
	for from := 0; ; {
		i := bytes.Index(text[from:], p.opener)
		if i < 0 || from+i >= limit {
			return ""
		}
		i += from
		end := i + len(p.opener)
		from = end
		if inWord(text, i) {
			continue
		}
		if len(p.continuations) == 0 {
			return string(text[i:end])
		}
		rest := bytes.TrimPrefix(text[end:], []byte(" "))
		for _, next := range p.continuations {
			if bytes.HasPrefix(rest, next) {
				return string(p.opener) + " " + string(next)
			}
		}
	}
}

// inWord reports whether a letter stands before i, in a script that puts blanks between words.
func inWord(text []byte, i int) bool {
	before, _ := utf8.DecodeLastRune(text[:i])
	return unicode.IsLetter(before) && before < firstUnspaced
}

// firstUnspaced begins the scripts of East Asia, in which words follow one another without blanks.
const firstUnspaced = '\u2E80'
