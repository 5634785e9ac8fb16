package finder

import "strings"

// privateKey finds private keys in PEM form, from BEGIN to END, with line breaks as such or written \n, as in JSON. A
// key whose end is missing goes on as long as its lines do. A header with nothing of a key behind it is none.
type privateKey struct{}

var _ Finder = privateKey{}

func (privateKey) Kind() Kind { return KindPrivateKey }

func (privateKey) Version() int { return 1 }

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	pemDash  = "-----"
	// maxPEMLabel bounds what stands between BEGIN and the dashes, and maxPEM a key, in bytes.
	maxPEMLabel = 64
	maxPEM      = 64 << 10
	// pemQuotes may stand around a line in source code, comments and quotations.
	pemQuotes = " \t\r\"'`+,;#*>|"
)

func (privateKey) Find(text string) []Range {
	var found []Range
	for from := 0; ; {
		i := strings.Index(text[from:], pemBegin)
		if i < 0 {
			return found
		}
		start := from + i
		from = start + len(pemBegin)
		body := endOfPEMHeader(text, from)
		if body == 0 {
			continue
		}
		if end := endOfPEM(text, body); end > 0 {
			found = append(found, Range{start, end})
			from = end
		}
	}
}

// endOfPEMHeader is where the body of a private key begins whose label starts at i; 0 where the label is of another
// thing.
func endOfPEMHeader(text string, i int) int {
	label, _, ok := strings.Cut(text[i:min(len(text), i+maxPEMLabel)], pemDash)
	if !ok || !strings.HasSuffix(strings.TrimSuffix(label, " BLOCK"), "PRIVATE KEY") {
		return 0
	}
	return i + len(label) + len(pemDash)
}

// endOfPEM is where a body that starts at i ends, with its END if it has one; 0 where it is no key.
func endOfPEM(text string, start int) int {
	const leastKey = 32 // characters of base64
	body := text[start:min(len(text), start+maxPEM)]
	if stop := strings.Index(body, pemDash); stop >= 0 {
		body = body[:stop]
	}
	key, end := 0, start // the end of the last line that can be one of a key
	for i := 0; i < len(body); {
		line, next := nextLine(body, i)
		bare := strings.Trim(line, pemQuotes)
		switch {
		case isKeyLine(bare):
			key += len(bare)
			end = start + i + len(strings.TrimRight(line, " \t\r"))
		case bare != "" && !strings.Contains(bare, ": "): // which a header has, such as Proc-Type: 4,ENCRYPTED
			next = len(body)
		}
		i = next
	}
	if key < leastKey {
		return 0
	}
	after := start + len(body)
	if strings.HasPrefix(text[after:], pemEnd) {
		if closed := endOfPEMHeader(text, after+len(pemEnd)); closed > 0 {
			return closed
		}
	}
	return end
}

// nextLine returns the line that starts at i, and where the one after it starts.
func nextLine(body string, i int) (line string, next int) {
	line, next = body[i:], len(body)
	if n := strings.IndexAny(line, "\n\\"); n >= 0 {
		line, next = line[:n], i+n+1
		if body[next-1] == '\\' && next < len(body) {
			next++ // the escape's letter
		}
	}
	return line, next
}

// isKeyLine reports a line of base64, which a checksum of OpenPGP is too.
func isKeyLine(line string) bool {
	for i := range len(line) {
		if !base64Standard.has(line[i]) {
			return false
		}
	}
	return line != ""
}
