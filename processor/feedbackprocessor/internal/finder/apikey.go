package finder

import (
	"encoding/base64"
	"strings"
)

// apiKey finds keys and tokens that say by a prefix who issued them, and JSON Web Tokens. A prefix alone, or one with a
// placeholder behind it such as sk-xxxx or ghp_YOUR_TOKEN, is none.
type apiKey struct{}

var _ Finder = apiKey{}

func (apiKey) Kind() Kind { return KindAPIKey }

func (apiKey) Version() int { return 1 }

func (apiKey) Find(text string) []Range {
	var found []Range
	runs := runs{text: text}
	for i := 0; i < len(text); i++ {
		forms := keyForms[text[i]]
		if forms == nil || i > 0 && isAlnum(text[i-1]) && !escapedBefore(text, i) {
			continue
		}
		for n := range forms {
			if end := forms[n].end(&runs, i); end > 0 {
				found = append(found, Range{i, end})
				i = end - 1
				break
			}
		}
	}
	return found
}

// keyForm is how the keys of one issuer look.
type keyForm struct {
	prefix string
	// body is what may follow the prefix, from least to most characters of it. Without one, the form is that of a JSON
	// Web Token.
	body        alphabet
	least, most int
	// mixed asks for a run of 16 letters and digits that has both, because words follow this prefix too.
	mixed bool
}

// open is the most of a key that its issuer does not bound.
const open = 1 << 20

// end is where the key of this form that starts at i ends; 0 says that there is none.
func (f *keyForm) end(r *runs, i int) int {
	if !strings.HasPrefix(r.text[i:], f.prefix) {
		return 0
	}
	if f.body == none {
		return endOfToken(r, i)
	}
	start := i + len(f.prefix)
	end := r.end(f.body, start)
	for end > start && (r.text[end-1] == '.' || r.text[end-1] == '/') {
		end-- // of the sentence
	}
	body := r.text[start:end]
	if len(body) < f.least || len(body) > f.most || isWord(at(r.text, end)) || !isRandom(body) || f.mixed && !isMixed(body) {
		return 0
	}
	return end
}

// isRandom tells a key from a placeholder: the first characters differ enough.
func isRandom(body string) bool {
	const least, looked = 7, 64
	var seen [256]bool
	n := 0
	for i := 0; i < len(body) && i < looked; i++ {
		if !seen[body[i]] {
			seen[body[i]] = true
			n++
		}
	}
	return n >= least
}

// isMixed reports a run of at least 16 letters and digits that has both.
func isMixed(body string) bool {
	const least = 16
	run, letters, digits := 0, false, false
	for i := range len(body) {
		switch c := body[i]; {
		case isDigit(c):
			digits = true
		case isLetter(c):
			letters = true
		default:
			run, letters, digits = 0, false, false
			continue
		}
		if run++; run >= least && letters && digits {
			return true
		}
	}
	return false
}

// endOfToken is where the JSON Web Token that starts at i ends; 0 where there is none. The header must be JSON that
// names an algorithm, and a signature must be there.
func endOfToken(r *runs, i int) int {
	const leastPart, mostHeader = 10, 1 << 10
	if i > 0 && urlSafe.has(r.text[i-1]) && !escapedBefore(r.text, i) {
		return 0
	}
	first := r.end(urlSafe, i)
	header, end := r.text[i:first], first
	for range 2 {
		if at(r.text, end) != '.' {
			return 0
		}
		start := end + 1
		if end = r.end(urlSafe, start); end-start < leastPart {
			return 0
		}
	}
	if len(header) > mostHeader {
		return 0
	}
	decoded, err := base64.RawURLEncoding.DecodeString(header)
	if err != nil || !strings.Contains(string(decoded), `"alg"`) {
		return 0
	}
	for strings.Contains(string(decoded), `"enc"`) && at(r.text, end) == '.' { // an encrypted one has two parts more
		next := r.end(urlSafe, end+1)
		if next == end+1 {
			break
		}
		end = next
	}
	return end
}
