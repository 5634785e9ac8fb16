package genai

import (
	"strconv"
	"strings"
)

// haystackRepr reads messages in the words of Python, which Haystack falls back to where one of the inputs, mostly a
// tool, cannot be written as JSON. Of anything else in there nothing is read.
func (s source) haystackRepr(text string) (input, bool) {
	const (
		message = "ChatMessage(_role=<ChatRole."
		said    = "TextContent(text="
		result  = "ToolCallResult(result="
	)
	text = text[:min(len(text), maxText)]
	var list indexed
	last := -1
	for n := 0; n < len(text) && len(list.fields) < maxFields; n++ {
		switch text[n] {
		case 'C':
			rest, ok := strings.CutPrefix(text[n:], message)
			if !ok {
				continue
			}
			name, _, _ := strings.Cut(rest[:min(len(rest), len("ASSISTANT:"))], ":")
			last++
			list.starts = append(list.starts, len(list.fields))
			list.fields = append(list.fields, field{message: last, name: "role", value: name})
		case '\'', '"':
			value, end := pythonString(text, n)
			if before := text[:n]; last >= 0 && (strings.HasSuffix(before, said) || strings.HasSuffix(before, result)) {
				list.fields = append(list.fields, field{
					message: last, place: inContents, item: len(list.fields), name: "text", value: valid(value),
				})
			}
			n = end
		}
	}
	if last < 0 {
		return input{}, false
	}
	return list.turns().input(s.want), true
}

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
