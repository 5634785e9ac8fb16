package finder

// group is a run of digits, and what stands between it and the run before.
type group struct {
	start, end int
	// mark is ' ', '-', '.', '/' or, for brackets, '('; 0 for the first group.
	mark byte
	// inBrackets is set for (030).
	inBrackets bool
}

func (g group) size() int { return g.end - g.start }

// maxGroups is the number of groups that a number has at most, maxRun that of digits in one of them, and maxDigits that
// of all.
const (
	maxGroups = 8
	maxRun    = 20
	maxDigits = 40
)

// groups are the first groups of a number.
type groups struct {
	list [maxGroups]group
	n    int
	// all are the digits; before holds, for each group, how many of them there are up to its end.
	all    [maxDigits]byte
	before [maxGroups]int
}

// readGroups reads the groups of digits from i on, up to one that is longer than any number.
func readGroups(text string, i int) (g groups) {
	total := 0
	for mark := byte(0); g.n < maxGroups; {
		inBrackets := at(text, i) == '('
		if inBrackets {
			i++
		}
		start := i
		for i < len(text) && isDigit(text[i]) && i-start <= maxRun {
			i++
		}
		if i == start || i-start > maxRun || total+i-start > maxDigits || inBrackets && at(text, i) != ')' {
			break
		}
		total += copy(g.all[total:], text[start:i])
		g.list[g.n] = group{start: start, end: i, mark: mark, inBrackets: inBrackets}
		g.before[g.n] = total
		g.n++
		if inBrackets {
			i++
		}
		var size int
		if mark, size = between(text, i, inBrackets); size < 0 {
			break
		}
		i += size
	}
	return g
}

// between reads what separates two groups: a mark with or without blanks on both sides, a blank, or a bracket. It
// returns a negative size where no group follows.
func between(text string, i int, closed bool) (mark byte, size int) {
	start := i
	blank := space(text, i)
	i += blank
	switch c := at(text, i); {
	case hyphen(text, i) > 0:
		mark = '-'
		i += hyphen(text, i)
	case c == '/' || c == '.' && blank == 0:
		mark = c
		i++
	case isDigit(c) && blank > 0:
		return ' ', i - start
	case isDigit(c) && closed, c == '(':
		return '(', i - start
	default:
		return 0, -1
	}
	after := space(text, i)
	i += after
	if c := at(text, i); after > 0 != (blank > 0) || !isDigit(c) && c != '(' {
		return 0, -1
	}
	return mark, i - start
}

// digits are those of the first n groups.
func (g *groups) digits(n int) []byte { return g.all[:g.before[n-1]] }

// endOf is where the first n groups end, with the bracket around the last one.
func (g *groups) endOf(n int) int {
	last := g.list[n-1]
	if last.inBrackets {
		return last.end + 1
	}
	return last.end
}

// sizes reports whether the groups from the i-th on have these sizes.
func (g *groups) sizes(i int, sizes ...int) bool {
	if g.n < i+len(sizes) {
		return false
	}
	for n, size := range sizes {
		if g.list[i+n].size() != size {
			return false
		}
	}
	return true
}

// bracketsUpTo is the number of groups before the first one in brackets that stands behind the i-th: only codes have
// brackets.
func (g *groups) bracketsUpTo(i int) int {
	for n := i + 1; n < g.n; n++ {
		if g.list[n].inBrackets {
			return n
		}
	}
	return g.n
}

// behind reports whether the groups from the second to the n-th all stand behind this mark.
func (g *groups) behind(mark byte, n int) bool {
	for _, one := range g.list[1:n] {
		if one.mark != mark {
			return false
		}
	}
	return true
}
