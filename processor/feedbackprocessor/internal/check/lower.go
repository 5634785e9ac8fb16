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
			word := uint64(text[i]) | uint64(text[i+1])<<8 | uint64(text[i+2])<<16 | uint64(text[i+3])<<24 |
				uint64(text[i+4])<<32 | uint64(text[i+5])<<40 | uint64(text[i+6])<<48 | uint64(text[i+7])<<56
			if word&highBits == 0 {
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
