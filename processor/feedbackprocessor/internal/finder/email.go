package finder

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// email finds addresses of letters, digits and ._%+- before the @, with a domain of at least two labels behind it.
// Letters are those of scripts that put blanks between words, because in the others nothing tells where an address
// begins. Left out are user names in URLs and in git@host:path, handles such as @user@host, and names of image files
// such as icon@2x.png.
type email struct{}

var _ Finder = email{}

const (
	// maxLocal and maxLabel are bounds of the standards, in bytes.
	maxLocal  = 64
	maxLabel  = 63
	maxDomain = 253
	// lastSpaced is the last letter that may be part of an address.
	lastSpaced = '\u058F'
)

func (email) Kind() Kind { return KindEmail }

func (email) Version() int { return 1 }

func (email) Find(text string) []Range {
	var found []Range
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '@')
		if i < 0 {
			return found
		}
		sign := from + i
		from = sign + 1
		start, end := startOfLocal(text, sign), endOfDomain(text, sign+1)
		if start == sign || end == 0 || inURL(text, start) || isRemotePath(text, end) {
			continue
		}
		if n := len(found); n > 0 && start < found[n-1].End {
			continue
		}
		found = append(found, Range{start, end})
		from = end
	}
}

// startOfLocal goes back from the @ as far as an address can.
func startOfLocal(text string, sign int) int {
	start := sign
	for start > 0 && sign-start < maxLocal {
		r, size := utf8.DecodeLastRuneInString(text[:start])
		if !isAddress(r) && !strings.ContainsRune("._%+-", r) {
			break
		}
		start -= size
	}
	if start < sign && escapedBefore(text, start+1) {
		start++
	}
	for start < sign && strings.IndexByte("._%+-", text[start]) >= 0 {
		start++
	}
	return start
}

func isAddress(r rune) bool {
	if r < utf8.RuneSelf {
		return isAlnum(byte(r))
	}
	return r <= lastSpaced && unicode.IsLetter(r)
}

// endOfDomain is where the domain that starts at i ends; 0 where there is none.
func endOfDomain(text string, i int) int {
	end, labels := 0, 0
	for start := i; start-i < maxDomain; {
		stop := endOfLabel(text, start)
		if stop == start {
			break
		}
		labels++
		if labels > 1 && isTopLevel(text[start:stop]) {
			end = stop
		}
		if at(text, stop) != '.' {
			break
		}
		start = stop + 1
	}
	return end
}

func endOfLabel(text string, start int) int {
	stop := start
	for stop < len(text) && stop-start < maxLabel {
		r, size := utf8.DecodeRuneInString(text[stop:])
		if !isAddress(r) && r != '-' {
			break
		}
		stop += size
	}
	for stop > start && text[stop-1] == '-' {
		stop--
	}
	return stop
}

// isTopLevel tells a domain's last label from the end of a file's name or a version.
func isTopLevel(label string) bool {
	const longest = 24
	if strings.HasPrefix(label, "xn--") {
		return true
	}
	if len(label) < 2 || len(label) > longest {
		return false
	}
	for _, r := range label {
		if r < utf8.RuneSelf && !isLetter(byte(r)) {
			return false
		}
	}
	switch strings.ToLower(label) {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "pdf":
		return false
	}
	return true
}

// inURL reports whether what starts at i stands where a URL has its user, or is the second half of a handle.
func inURL(text string, i int) bool {
	switch at(text, i-1) {
	case '@':
		return true
	case '/':
		return at(text, i-2) == '/'
	case ':': // of a password
		user := i - 1
		for user > 0 && i-user < maxLocal && (isWord(text[user-1]) || text[user-1] == '-' || text[user-1] == '.') {
			user--
		}
		return at(text, user-1) == '/' && at(text, user-2) == '/'
	}
	return false
}

// isRemotePath reports whether a colon with a path follows, as in git@host:path.
func isRemotePath(text string, end int) bool {
	next := at(text, end+1)
	return at(text, end) == ':' && (isLetter(next) || next == '/' || next == '~')
}
