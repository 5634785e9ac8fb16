package genai

import (
	"slices"
	"strings"
)

// salvage closes what a cut left open, so that a JSON text that lost its tail can be read as far as it goes: an
// unfinished number, literal or key is left out, an unfinished string ends where it ends. It gives up on text that is
// no JSON, or deeper than anything a producer writes.
func salvage(text string) (string, bool) {
	const (
		maxDepth = 64
		most     = maxText - maxDepth - 1 // with room for what closes it
	)
	text = text[:min(len(text), most)]
	var (
		stack [maxDepth]byte
		open  = stack[:0] // the closing brackets that are due
		safe  int         // what stands before it is complete but for the brackets
		key   bool        // the next string is a key
		start = -1        // of an unfinished string
	)
	for n := 0; n < len(text); n++ {
		switch c := text[n]; c {
		case '{', '[':
			if len(open) == maxDepth {
				return "", false
			}
			open = append(open, c+2) // '{' and '[' stand two before their partners
			safe, key = n+1, c == '{'
		case '}', ']':
			if len(open) == 0 || open[len(open)-1] != c {
				return "", false
			}
			open = open[:len(open)-1]
			safe, key = n+1, false
		case ',':
			if len(open) == 0 {
				return "", false
			}
			safe, key = n, open[len(open)-1] == '}'
		case ':':
			key = false
		case '"':
			start = n
			n = stringEnd(text, n)
			if n == len(text) {
				break
			}
			start = -1
			if !key {
				safe = n + 1
			}
		}
	}
	if len(open) == 0 {
		return "", false
	}
	var b strings.Builder
	b.Grow(len(text) + len(open) + 1)
	if start >= 0 && !key {
		b.WriteString(withoutPartialEscape(text[:start+1], text[start+1:]))
		b.WriteByte('"')
	} else {
		b.WriteString(text[:safe])
	}
	for _, bracket := range slices.Backward(open) {
		b.WriteByte(bracket)
	}
	return b.String(), true
}

// stringEnd returns where the string that begins at start is closed, or the length of the text.
func stringEnd(text string, start int) int {
	for n := start + 1; n < len(text); n++ {
		switch text[n] {
		case '\\':
			n++
		case '"':
			return n
		}
	}
	return len(text)
}

// withoutPartialEscape returns head and the unfinished string, less an escape sequence that the cut went through.
func withoutPartialEscape(head, unfinished string) string {
	const longest = len(`\u0000`)
	for n := max(0, len(unfinished)-longest+1); n < len(unfinished); n++ {
		if unfinished[n] != '\\' {
			continue
		}
		if slashes := len(unfinished[:n+1]) - len(strings.TrimRight(unfinished[:n+1], `\`)); slashes%2 == 0 {
			continue // an escaped backslash
		}
		if n+1 == len(unfinished) || unfinished[n+1] == 'u' {
			return head + unfinished[:n]
		}
	}
	return head + unfinished
}
