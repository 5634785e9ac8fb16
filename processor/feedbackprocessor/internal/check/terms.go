package check

import (
	"fmt"
	"strings"
	"unicode"
)

// terms is a list of strings that prints as Python's repr of a list prints it: ['guaranteed returns', 'risk-free'].
type terms []string

var _ fmt.Stringer = terms(nil)

// String implements fmt.Stringer, for templates.
func (t terms) String() string { return string(t.appendTo(nil)) }

func (t terms) appendTo(dst []byte) []byte {
	dst = append(dst, '[')
	for i, term := range t {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendPythonString(dst, term)
	}
	return append(dst, ']')
}

// appendPythonString appends s as Python's repr writes a str: in single quotes unless that alone would need escapes,
// with escapes for what is not printable.
func appendPythonString(dst []byte, s string) []byte {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	dst = append(dst, quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case unicode.IsPrint(r):
			dst = append(dst, string(r)...)
		case r < 0x100:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r < 0x10000:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
	}
	return append(dst, quote)
}
