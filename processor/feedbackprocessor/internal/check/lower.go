package check

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
)

// appendLower appends text in lower case by Unicode's full mapping, and reports whether text is ASCII. The result is
// that of Python's str.lower; the one exception known is a capital sigma in a word of modifier letters and marks only.
//
// ASCII goes eight bytes at a time. For everything else one code point gives one code point, but for the two that
// Unicode treats specially: İ, which becomes two, and Σ, which depends on what stands around it.
func appendLower(dst []byte, text string) (lower []byte, ascii bool) {
	start := len(dst)
	ascii = true
	for i := 0; i < len(text); {
		if len(text)-i >= 8 {
			if word := wordAt(text, i); word&highBits == 0 {
				dst = binary.LittleEndian.AppendUint64(dst, lowerWord(word))
				i += 8
				continue
			}
		}
		c := text[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		ascii = false
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == 'Σ' || r == 'İ':
			return append(dst[:start], cases.Lower(language.Und).String(text)...), false
		case isCaseless(r) || r == utf8.RuneError && size == 1:
			dst = append(dst, text[i:i+size]...)
		default:
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
		i += size
	}
	return dst, ascii
}

// countCharacters is utf8.RuneCountInString, eight bytes of ASCII at a time.
func countCharacters(text string) int {
	n, i := 0, 0
	for len(text)-i >= 8 {
		if wordAt(text, i)&highBits == 0 {
			n, i = n+8, i+8
			continue
		}
		for stop := i + 8; i < stop; n++ {
			_, size := utf8.DecodeRuneInString(text[i:])
			i += size
		}
	}
	return n + utf8.RuneCountInString(text[i:])
}

// wordAt reads eight bytes; the compiler makes one load of it.
func wordAt(text string, i int) uint64 {
	b := text[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// lowerWord lowers eight bytes of ASCII: the high bit of each byte tells whether it is in A to Z, and two bits further
// down it is the bit in which the cases differ.
func lowerWord(word uint64) uint64 {
	fromA := word + (0x80-'A')*eachByte
	afterZ := word + (0x80-'Z'-1)*eachByte
	return word | (fromA&^afterZ&highBits)>>2
}

// isCaseless knows the two large blocks without letter case that answers are full of, typographic punctuation and the
// East Asian scripts, so that they need no look-up.
func isCaseless(r rune) bool {
	return 0x2000 <= r && r < 0x2100 || 0x2E80 <= r && r < 0xA640
}
