package assessment

import (
	"bytes"
	"strconv"
	"unicode/utf16"
)

// mendSurrogates replaces the escapes in JSON that are half of a character by that of U+FFFD: the parser would keep them
// as the text of the escape. text is valid JSON.
func mendSurrogates(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\ud`)) && !bytes.Contains(text, []byte(`\uD`)) {
		return text
	}
	mended := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		switch unit, escaped := escapedUnit(text[i:]); {
		case text[i] != '\\':
			mended = append(mended, text[i])
			i++
		case !escaped:
			mended = append(mended, text[i:i+2]...)
			i += 2
		case !utf16.IsSurrogate(unit):
			mended = append(mended, text[i:i+6]...)
			i += 6
		default:
			next, _ := escapedUnit(text[i+6:])
			if utf16.DecodeRune(unit, next) != '\uFFFD' {
				mended = append(mended, text[i:i+12]...)
				i += 12
				continue
			}
			mended = append(mended, `\ufffd`...)
			i += 6
		}
	}
	return mended
}

// escapedUnit reads an escape `\uXXXX` at the beginning of text.
func escapedUnit(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	value, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(value), err == nil
}
