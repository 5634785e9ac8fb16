package check

import (
	"context"
	"errors"
	"fmt"
	"unicode"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const lengthKey = "length"

// Unit is what a length counts.
type Unit string

// The units of a length. Characters are Unicode code points; words are what white space separates.
const (
	UnitCharacters Unit = "characters"
	UnitWords      Unit = "words"
	UnitBytes      Unit = "bytes"
)

// LengthConfig holds when min <= length <= max. It needs at least one of the bounds.
type LengthConfig struct {
	// Min is the smallest length that holds. Default 0.
	Min *int `mapstructure:"min"`
	// Max is the largest length that holds. Default none.
	Max *int `mapstructure:"max"`
	// Unit is what counts: characters, words or bytes. Default characters.
	Unit Unit `mapstructure:"unit"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*LengthConfig)(nil)
	_ kindConfig        = (*LengthConfig)(nil)
	_ kind              = (*length)(nil)
)

// Validate implements confmap.Validator.
func (c *LengthConfig) Validate() error {
	var errs []error
	if c.Min == nil && c.Max == nil {
		errs = append(errs, errors.New("no bounds: give `min`, `max` or both, such as {min: 50, max: 500}"))
	}
	if c.Min != nil && *c.Min < 0 {
		errs = append(errs, fmt.Errorf("`min` is %d: give 0 or more", *c.Min))
	}
	if c.Max != nil && *c.Max < 0 {
		errs = append(errs, fmt.Errorf("`max` is %d: give 0 or more, or leave it out for no bound", *c.Max))
	}
	if c.Min != nil && c.Max != nil && *c.Min > *c.Max {
		errs = append(errs, fmt.Errorf("`min` is %d, which is more than `max` %d: no length holds", *c.Min, *c.Max))
	}
	switch c.Unit {
	case "", UnitCharacters, UnitWords, UnitBytes:
	default:
		errs = append(errs, fmt.Errorf("`unit` is %q: give %s, %s or %s", c.Unit, UnitCharacters, UnitWords, UnitBytes))
	}
	return errors.Join(errs...)
}

func (*LengthConfig) key() string { return lengthKey }

func (*LengthConfig) fields() []field { return []field{fieldValue, fieldLength} }

func (*LengthConfig) reads() source { return sourceTarget }

func (c *LengthConfig) compile(component.TelemetrySettings) (kind, error) {
	l := &length{unit: UnitCharacters, max: -1}
	if c.Unit != "" {
		l.unit = c.Unit
	}
	if c.Min != nil {
		l.min = *c.Min
	}
	if c.Max != nil {
		l.max = *c.Max
	}
	return l, nil
}

type length struct {
	min, max int // max -1: no bound
	unit     Unit
}

func (l *length) identity() any { return []any{lengthKey, l.min, l.max, l.unit} }

func (l *length) test(_ context.Context, in *input) *assessment.Error {
	var n int
	switch l.unit {
	case UnitBytes:
		n = len(in.text.raw)
	case UnitWords:
		n = countWords(in.text.raw)
	default:
		n = in.text.count()
	}
	in.facts.length = n
	in.facts.holds = n >= l.min && (l.max < 0 || n <= l.max)
	return nil
}

// countWords is len(strings.Fields(text)) without the list.
func countWords(text string) int {
	n, inWord := 0, false
	for _, r := range text {
		space := unicode.IsSpace(r)
		if !space && !inWord {
			n++
		}
		inWord = !space
	}
	return n
}
