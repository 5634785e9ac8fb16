package finder

import (
	"fmt"
	"slices"
)

// Kind is what a finder finds; its values are those of the keys `finds::any` and `redact::finders`.
type Kind string

// The kinds of finds.
const (
	KindEmail      Kind = "email"
	KindPhone      Kind = "phone"
	KindCard       Kind = "card"
	KindIBAN       Kind = "iban"
	KindAPIKey     Kind = "api_key"
	KindPrivateKey Kind = "private_key"
)

// Range is a stretch of a text, text[Start:End]. Both ends lie between two runes.
type Range struct{ Start, End int }

// Finder finds one kind of data. It is safe for concurrent use.
type Finder interface {
	// Kind is what it finds.
	Kind() Kind
	// Version counts the changes in what is taken for a find: it is part of fingerprints.
	Version() int
	// Find returns where it is, in order and without overlaps; nil where it is not. Its time is linear in the text.
	Find(text string) []Range
}

// all is in the order in which the kinds are documented.
var all = []Finder{email{}, phone{}, card{}, iban{}, apiKey{}, privateKey{}}

// Kinds are all kinds there are.
func Kinds() []Kind {
	kinds := make([]Kind, len(all))
	for i, finder := range all {
		kinds[i] = finder.Kind()
	}
	return kinds
}

// Of returns the finders of some kinds, each once, in the order in which they are documented. An unknown kind is an
// error that lists the known ones.
func Of(kinds []Kind) ([]Finder, error) {
	for _, kind := range kinds {
		if !slices.ContainsFunc(all, func(f Finder) bool { return f.Kind() == kind }) {
			return nil, fmt.Errorf("there is no finder %q: give any of %v", kind, Kinds())
		}
	}
	var finders []Finder
	for _, finder := range all {
		if slices.Contains(kinds, finder.Kind()) {
			finders = append(finders, finder)
		}
	}
	return finders, nil
}

// Identity is what of finders shapes results, in a form that encoding/json writes in one way.
func Identity(finders []Finder) []string {
	identity := make([]string, len(finders))
	for i, finder := range finders {
		identity[i] = fmt.Sprintf("%s/%d", finder.Kind(), finder.Version())
	}
	return identity
}
