package check

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// eachHost gives the host of each URL of a text, as a browser would find it: behind the schemes of the web, browsers take
// \ for / and any number of them, and what stands before an @ for a user.
func eachHost(text string, give func(host string)) {
	for i := 0; i < len(text); i++ {
		next := strings.IndexAny(text[i:], ":/wW")
		if next < 0 {
			return
		}
		i += next
		var host string
		switch text[i] {
		case ':':
			host = hostAfterScheme(text, i)
		case '/':
			host = hostAfterSlashes(text, i)
		default:
			host = hostOfWWW(text, i)
		}
		if host != "" {
			give(host)
		}
	}
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// hostAfterScheme is the host of the URL whose scheme ends in the colon at i; "" where there is none.
func hostAfterScheme(text string, i int) string {
	const longest = 32
	scheme := i
	for scheme > 0 && i-scheme < longest && isSchemeByte(text[scheme-1]) {
		scheme--
	}
	start := i + 1
	switch strings.ToLower(text[scheme:i]) {
	case "http", "https", "ws", "wss", "ftp":
		for start < len(text) && isSlash(text[start]) {
			start++
		}
		if start == i+1 {
			return ""
		}
	default:
		if i-scheme < 2 || !strings.HasPrefix(text[start:], "//") { // one letter is a drive
			return ""
		}
		start += 2
	}
	return hostOf(authorityAt(text, start))
}

func isSchemeByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'
}

// hostAfterSlashes is the host of a link without a scheme whose // is at i, as in [x](//example.com); "" where there is
// none.
func hostAfterSlashes(text string, i int) string {
	if i == 0 || !strings.ContainsRune(`("'`, rune(text[i-1])) || i+1 >= len(text) || !isSlash(text[i+1]) {
		return ""
	}
	if host := hostOf(authorityAt(text, i+2)); strings.Contains(host, ".") {
		return host
	}
	return ""
}

// hostOfWWW is the host that begins with the www. at i, if that is no part of another word or URL.
func hostOfWWW(text string, i int) string {
	const prefix = "www."
	if len(text)-i <= len(prefix) || !strings.EqualFold(text[i:i+len(prefix)], prefix) {
		return ""
	}
	if before, _ := utf8.DecodeLastRuneInString(text[:i]); isHostRune(before) && before < firstUnspaced || i > 0 && strings.ContainsRune("/@:\\", before) {
		return ""
	}
	host := hostPrefix(text[i:])
	if len(host) <= len(prefix) {
		return ""
	}
	return host
}

// authorityAt is the user, host and port that begin at start.
func authorityAt(text string, start int) string {
	end := strings.IndexFunc(text[start:], func(char rune) bool {
		return char <= ' ' || strings.ContainsRune("/\\?#\"'<>`", char) || unicode.IsSpace(char)
	})
	if end < 0 {
		return text[start:]
	}
	return text[start : start+end]
}

// hostOf is the host of an authority; "" where there is none.
func hostOf(authority string) string {
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	if strings.HasPrefix(authority, "[") {
		if end := strings.IndexByte(authority, ']'); end > 0 {
			return authority[:end+1]
		}
		return ""
	}
	return hostPrefix(authority)
}

// hostPrefix is the name that a text begins with.
func hostPrefix(text string) string {
	if end := strings.IndexFunc(text, func(char rune) bool { return !isHostRune(char) }); end >= 0 {
		text = text[:end]
	}
	return strings.Trim(text, ".")
}

func isHostRune(char rune) bool {
	return unicode.IsLetter(char) || unicode.IsDigit(char) || unicode.IsMark(char) || char == '-' || char == '.' || char == '_' || char == '%'
}
