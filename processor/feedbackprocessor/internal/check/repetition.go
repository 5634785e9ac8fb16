package check

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"unicode"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	repetitionKey = "repetition"

	defaultMaxShare = 0.5
	defaultRun      = 4
	defaultMinWords = 50
	maxRun          = 16
)

// RepetitionConfig holds when no more than max_share of the runs of words in a text were there before: models that
// fall into a loop repeat lines, sentences or single words. Punctuation, line ends and case do not count. Ordinary
// prose is below 0.1, lists of records that are mostly alike reach 0.4. A text of more than 1 MiB is a failed evaluation.
type RepetitionConfig struct {
	// MaxShare is the largest share of repeated runs that holds, above 0 and below 1. Default 0.5.
	MaxShare float64 `mapstructure:"max_share"`
	// Words is the length of a run, in words, from 1 to 16. Default 4.
	Words int `mapstructure:"words"`
	// MinWords is the number of words below which a text holds anyway. Default 50.
	MinWords int `mapstructure:"min_words"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*RepetitionConfig)(nil)
	_ kindConfig        = (*RepetitionConfig)(nil)
	_ kind              = (*repetition)(nil)
)

// Validate implements confmap.Validator.
func (c *RepetitionConfig) Validate() error {
	var errs []error
	if !(c.MaxShare >= 0 && c.MaxShare < 1) {
		errs = append(errs, fmt.Errorf("`max_share` is %g: give a number above 0 and below 1, such as %g", c.MaxShare, defaultMaxShare))
	}
	if c.Words < 0 || c.Words > maxRun {
		errs = append(errs, fmt.Errorf("`words` is %d: give 1 to %d, or leave it out for %d", c.Words, maxRun, defaultRun))
	}
	if c.MinWords < 0 {
		errs = append(errs, fmt.Errorf("`min_words` is %d: give 1 or more, or leave it out for %d", c.MinWords, defaultMinWords))
	}
	return errors.Join(errs...)
}

func (*RepetitionConfig) key() string { return repetitionKey }

func (*RepetitionConfig) fields() []field { return []field{fieldValue, fieldShare} }

func (*RepetitionConfig) reads() source { return sourceTarget }

func (c *RepetitionConfig) compile(component.TelemetrySettings) (kind, error) {
	r := &repetition{maxShare: c.MaxShare, run: c.Words, minWords: c.MinWords}
	if r.maxShare == 0 {
		r.maxShare = defaultMaxShare
	}
	if r.run == 0 {
		r.run = defaultRun
	}
	if r.minWords == 0 {
		r.minWords = defaultMinWords
	}
	return r, nil
}

type repetition struct {
	maxShare      float64
	run, minWords int
}

func (r *repetition) identity() any { return []any{repetitionKey, r.maxShare, r.run, r.minWords} }

func (r *repetition) test(_ context.Context, in *input) *assessment.Error {
	if err := tooLarge(in.text); err != nil {
		return err
	}
	in.hashes = appendWords(in.hashes[:0], in.text.raw)
	if runs := len(in.hashes) - r.run + 1; len(in.hashes) >= r.minWords && runs > 0 {
		in.facts.share = 1 - float64(in.distinctRuns(r.run))/float64(runs)
	}
	in.facts.holds = in.facts.share <= r.maxShare
	return nil
}

// hashPrime is that of FNV-1a. Its start is chance, so that nobody can write a text whose words are hard on the table.
const hashPrime = 0x100000001b3

var hashStart = maphash.String(maphash.MakeSeed(), "")

// appendWords appends the hash of each word. Where no blanks part words, each character is one, and so is each emoji;
// an endless word is taken apart.
func appendWords(dst []uint64, text string) []uint64 {
	const longest = 16 // characters
	hash, n := hashStart, 0
	end := func() {
		if n > 0 {
			dst = append(dst, hash)
			hash, n = hashStart, 0
		}
	}
	for _, char := range text {
		switch {
		case 'A' <= char && char <= 'Z':
			char += 'a' - 'A'
		case 'a' <= char && char <= 'z', '0' <= char && char <= '9':
		case char < 0x80:
			end()
			continue
		case !unicode.IsLetter(char) && !unicode.IsDigit(char) && !isEmoji(char):
			if !unicode.IsMark(char) {
				end()
			}
			continue
		}
		if n == longest || char >= firstUnspaced {
			end()
		}
		hash, n = (hash^uint64(char))*hashPrime, n+1
		if char >= firstUnspaced {
			end()
		}
	}
	end()
	return dst
}

func isEmoji(char rune) bool { return 0x1F300 <= char && char < 0x1FB00 }

// distinctRuns counts the runs of n hashes that differ.
func (in *input) distinctRuns(n int) int {
	size := 16
	for size < 2*len(in.hashes) {
		size *= 2
	}
	in.seen = slices.Grow(in.seen[:0], size)[:size]
	clear(in.seen)
	distinct := 0
	for i := range len(in.hashes) - n + 1 {
		hash := hashStart
		for _, word := range in.hashes[i : i+n] {
			hash = (hash ^ word) * hashPrime
			hash ^= hash >> 32
		}
		hash = max(hash, 1) // 0 is a free place
		at := hash & uint64(size-1)
		for in.seen[at] != 0 && in.seen[at] != hash {
			at = (at + 1) & uint64(size-1)
		}
		if in.seen[at] == 0 {
			in.seen[at] = hash
			distinct++
		}
	}
	return distinct
}
