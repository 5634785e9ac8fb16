package finder

import "unicode/utf8"

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isLetter(c byte) bool { return isUpper(c) || 'a' <= c && c <= 'z' }

func isAlnum(c byte) bool { return isDigit(c) || isLetter(c) }

func isWord(c byte) bool { return isAlnum(c) || c == '_' }

// at is text[i], or 0 beyond its ends.
func at(text string, i int) byte {
	if i < 0 || i >= len(text) {
		return 0
	}
	return text[i]
}

// continues reports whether something that starts at i is the rest of a word. The letter of an escape is none: texts
// are often JSON, where a line break is written \n.
func continues(text string, i int) bool {
	return i > 0 && isWord(text[i-1]) && !escapedBefore(text, i)
}

// escapedBefore reports whether \n, \r or \t, written out, ends at i.
func escapedBefore(text string, i int) bool {
	c := at(text, i-1)
	return (c == 'n' || c == 'r' || c == 't') && at(text, i-2) == '\\'
}

// spaceBefore is space for a blank that ends at i.
func spaceBefore(text string, i int) int {
	if i <= 0 {
		return 0
	}
	_, size := utf8.DecodeLastRuneInString(text[:i])
	return space(text, i-size)
}

// space is the length of a blank at i that can stand between groups of a number, or 0. Language models like to write
// no-break ones.
func space(text string, i int) int {
	switch at(text, i) {
	case ' ':
		return 1
	case 0xC2, 0xE2:
		switch r, size := utf8.DecodeRuneInString(text[i:]); r {
		case '\u00A0', '\u2007', '\u2009', '\u202F':
			return size
		}
	}
	return 0
}

// hyphen is the length of a hyphen or dash at i, or 0.
func hyphen(text string, i int) int {
	switch at(text, i) {
	case '-':
		return 1
	case 0xE2:
		switch r, size := utf8.DecodeRuneInString(text[i:]); r {
		case '\u2010', '\u2011', '\u2012', '\u2013':
			return size
		}
	}
	return 0
}
