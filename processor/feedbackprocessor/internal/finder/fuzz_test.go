package finder

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seeds have something of every kind, and what is hard on each.
var seeds = []string{
	"", "@", "a@b.co@c.de", "jörg@bücher.example", "+49 (0) 30 901820-0", "(((((030", "0049 30 901820", "4111 1111 1111 1111 4111",
	"DE89 3704 0044 0532 0130 00", "DE89-3704-", "sk-Zq3xV7bN1mK9pL5sD2fG", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
	"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\\", "-----BEGIN PRIVATE KEY----------END ",
	"\xff\xc2@\xa0.\xe2\x80", "1\u00a02\u202f3\u20114", `\n\n\r\t\@`, "xn--@xn--.xn--", "8 (495) 123-45-67", "01.02.03.04.05",
}

func FuzzFind(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, finder := range all {
			last := 0
			for _, r := range finder.Find(text) {
				require.True(t, r.Start >= last && r.Start < r.End && r.End <= len(text), "%s: %v after %d in %q", finder.Kind(), r, last, text)
				assert.True(t, onBorder(text, r.Start) && onBorder(text, r.End), "%s: %v in %q", finder.Kind(), r, text)
				last = r.End
			}
		}
	})
}

// onBorder reports whether i lies between two runes, where each invalid byte is one.
func onBorder(text string, i int) bool {
	if i == len(text) || utf8.RuneStart(text[i]) {
		return true
	}
	for back := 1; back < utf8.UTFMax && back <= i; back++ {
		if _, size := utf8.DecodeRuneInString(text[i-back:]); size > back {
			return false
		}
	}
	return true
}

// hostile are texts on which time beyond linear would show: each is repeated to a mebibyte.
var hostile = map[string]string{
	"at signs": "@", "addresses": "a@", "labels": "a.", "local parts": strings.Repeat("a", 64) + "@", "domains": "a@b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.1 ",
	"digits": "1", "groups": "1 ", "fours": "4111 ", "plus": "+", "plus digits": "+4 ", "brackets": "(0", "dashes": "0-", "zeros": "00 ",
	"countries": "DE89", "IBANs": "DE89 3704 ", "letters": "a",
	"tokens": "eyJ", "token parts": "eyJaaaaaaaaaa.", "prefixes": "sk-", "long keys": "ghs_", "more keys": "sk-a1", "hooks": "hooks.slack.com/services/",
	"begins": "-----BEGIN ", "headers": "-----BEGIN PRIVATE KEY-----", "key lines": "-----BEGIN PRIVATE KEY-----\nMIIE\n", "escapes": `\n`,
	"invalid": "\xe2\x80", "spaces": "\u202f", "hyphens": "1\u2011",
}

// TestHostileTexts ends in time only if all is linear.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	for name, piece := range hostile {
		text := strings.Repeat(piece, 1<<20/len(piece))
		for _, finder := range all {
			for _, r := range finder.Find(text) {
				require.Less(t, r.Start, r.End, "%s in %s", finder.Kind(), name)
			}
		}
	}
}

func TestNothingFoundAllocatesNothing(t *testing.T) {
	for _, finder := range all {
		assert.Zero(t, testing.AllocsPerRun(10, func() { finder.Find(prose) }), finder.Kind())
	}
}

// prose is 4 KiB of an answer without finds, but with numbers and signs.
var prose = strings.Repeat("In 2024 the index rose 12.5 % to 18,742.91 points (from 16,659 on 01/02/2024), e.g. ABC-123 @ 3.50 € each; see table 4.1. ", 40)[:4096]

func BenchmarkFind(b *testing.B) {
	for _, finder := range all {
		b.Run(string(finder.Kind()), func(b *testing.B) {
			b.SetBytes(int64(len(prose)))
			b.ReportAllocs()
			for b.Loop() {
				finder.Find(prose)
			}
		})
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, piece := range hostile {
		text := strings.Repeat(piece, 1<<16/len(piece))
		for _, finder := range all {
			b.Run(string(finder.Kind())+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					finder.Find(text)
				}
			})
		}
	}
}
