package genai

import (
	"strconv"
	"strings"
)

// pythonString reads the literal that begins at start, and tells where it ends.
func pythonString(text string, start int) (value string, end int) {
	var b strings.Builder
	for n := start + 1; n < len(text); n++ {
		switch c := text[n]; {
		case c == text[start]:
			return b.String(), n
		case c != '\\':
			b.WriteByte(c)
		default:
			n += pythonEscape(&b, text[n+1:])
		}
	}
	return b.String(), len(text)
}

// pythonEscape writes what an escape sequence stands for, and tells its length.
func pythonEscape(b *strings.Builder, rest string) int {
	if rest == "" {
		return 0
	}
	digits := 0
	switch rest[0] {
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		b.WriteByte(rest[0])
	}
	if digits == 0 {
		return 1
	}
	code, err := strconv.ParseUint(rest[1:min(len(rest), 1+digits)], 16, 32)
	if err != nil {
		return 1
	}
	b.WriteRune(rune(code))
	return 1 + digits
}

// maxName is the longest name that is looked at.
const maxName = 200

// pythonName returns the name, perhaps a dotted one, that a text begins with.
func pythonName(text string) string {
	n := 0
	for ; n < min(len(text), maxName); n++ {
		c := text[n]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (n == 0 || c != '.' && (c < '0' || c > '9')) {
			break
		}
	}
	return text[:n]
}
