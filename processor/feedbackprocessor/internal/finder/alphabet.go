package finder

// alphabet is a set of ASCII characters.
type alphabet uint8

const (
	none alphabet = iota
	alphanumeric
	word
	urlSafe
	dotted // urlSafe and .
	base64Standard
	base32
	hexadecimal
	path
	alphabets // their number
)

var characters = func() (sets [alphabets][256]bool) {
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	for a, members := range map[alphabet]string{
		alphanumeric:   lower + upper + digits,
		word:           lower + upper + digits + "_",
		urlSafe:        lower + upper + digits + "_-",
		dotted:         lower + upper + digits + "_-.",
		base64Standard: lower + upper + digits + "+/=",
		base32:         upper + "234567",
		hexadecimal:    digits + "abcdef",
		path:           lower + upper + digits + "/",
	} {
		for i := range len(members) {
			sets[a][members[i]] = true
		}
	}
	return sets
}()

func (a alphabet) has(c byte) bool { return characters[a][c] }

// runs finds the ends of runs of characters. It remembers the last one of each alphabet, so that many starts within one
// run cost no more than the run.
type runs struct {
	text       string
	starts, to [alphabets]int
}

// end is where the run of an alphabet's characters ends that is under way at i; i itself where none is.
func (r *runs) end(a alphabet, i int) int {
	if i < r.starts[a] || i >= r.to[a] {
		r.starts[a], r.to[a] = i, i
		for r.to[a] < len(r.text) && a.has(r.text[r.to[a]]) {
			r.to[a]++
		}
	}
	return r.to[a]
}
