package finder

import "cmp"

// phone finds telephone numbers that are written as such: with + or 00 and a country's code, or, where groups are set
// apart, as North America, China, Brazil and Russia write them, or with the 0 that begins a number in most of Europe,
// Asia and Oceania. Left out are numbers that form alone cannot tell from others, such as ten digits in one run.
type phone struct{}

var _ Finder = phone{}

func (phone) Kind() Kind { return KindPhone }

func (phone) Version() int { return 1 }

func (phone) Find(text string) []Range {
	var found []Range
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case isDigit(c), c == '+', c == '(':
			if end := endOfPhone(text, i); end > 0 {
				found = append(found, Range{i, end})
				i = end
				continue
			}
			if !isDigit(c) {
				i++
				continue
			}
			for i < len(text) && isDigit(text[i]) {
				i++
			}
		default:
			i++
		}
	}
	return found
}

// endOfPhone is where the number that starts at i ends; 0 where none does.
func endOfPhone(text string, i int) int {
	if continues(text, i) {
		return 0
	}
	if text[i] == '+' {
		g := readGroups(text, i+1)
		return international(text, &g, 0)
	}
	if isPartOfMore(text, i) {
		return 0
	}
	g := readGroups(text, i)
	if g.n < 2 {
		return 0
	}
	first := g.list[0]
	if text[first.start] == '0' && at(text, first.start+1) == '0' && !first.inBrackets {
		if g.sizes(0, 4, 4) { // code points and the like come in fours
			return 0
		}
		return international(text, &g, 2)
	}
	n := cmp.Or(northAmerican(&g), trunk(&g), chinese(&g), brazilian(&g), russian(&g))
	if n == 0 || !endsAt(text, &g, n) {
		return 0
	}
	return g.endOf(n)
}

// isPartOfMore reports whether digits at i go on with what stands before them: a decimal, a date, a path, a list.
func isPartOfMore(text string, i int) bool {
	before, beforeThat := at(text, i-1), at(text, i-2)
	switch before {
	case '.', ',', ':', '%', '&', '*', '=', '(':
		return isDigit(beforeThat)
	case '-', '/', '\\':
		return isWord(beforeThat)
	case '#', '+':
		return true
	}
	const most = 16
	start := i
	for start-i < most {
		blank := spaceBefore(text, i)
		if blank == 0 {
			break
		}
		i -= blank
	}
	return i < start && isDigit(at(text, i-1))
}

// endsAt reports whether a number can end after n groups.
func endsAt(text string, g *groups, n int) bool {
	if g.n > n {
		return g.list[n].mark == ' ' && g.list[n-1].mark != ' '
	}
	end := g.endOf(n)
	switch next := at(text, end); {
	case isWord(next):
		return false
	case next == '.', next == ',', next == ':', next == '/', next == '%':
		return !isDigit(at(text, end+1))
	case next == '-':
		return !isAlnum(at(text, end+1))
	}
	return true
}

// international is the end of a number with a country's code, whose digits follow skip zeros; 0 where it is none. It
// takes as many groups as a number can have.
func international(text string, g *groups, skip int) int {
	const least, most = 9, 15
	for n := g.bracketsUpTo(2); n > 0; n-- {
		digits := g.digits(n)[skip:]
		if len(digits) < least || len(digits) > most+1 || skip > 0 && n < 2 {
			continue
		}
		code := countryCode(digits)
		if code == 0 {
			return 0
		}
		national := digits[code:]
		if len(national) < 6 || len(digits) > most && national[0] != '0' {
			continue
		}
		switch {
		case digits[0] == '1':
			if len(digits) != 11 || digits[1] < '2' || digits[4] < '2' {
				continue
			}
		case national[0] == '0' && string(digits[:code]) != "39" && !hasBracketedZero(text, g, n):
			return 0
		}
		if end := g.endOf(n); !isWord(at(text, end)) {
			return end
		}
	}
	return 0
}

// hasBracketedZero knows +49 (0) 30 …, in which the 0 is not dialled.
func hasBracketedZero(text string, g *groups, n int) bool {
	for _, one := range g.list[:n] {
		if one.inBrackets && text[one.start] == '0' {
			return true
		}
	}
	return false
}

// northAmerican is 415-555-2671, (415) 555-2671 or 1 415 555 2671. Forms return their number of groups, or 0.
func northAmerican(g *groups) int {
	skip := 0
	if g.sizes(0, 1) && g.all[0] == '1' {
		skip = 1
	}
	if !g.sizes(skip, 3, 3, 4) || g.all[skip] < '2' || g.all[skip+3] < '2' || g.bracketsUpTo(skip) < skip+3 {
		return 0
	}
	return skip + 3
}

// trunk is 030 1234567, (030) 123-4567, 01 23 45 67 89 or 01.23.45.67.89.
func trunk(g *groups) int {
	const least, most = 9, 12
	if first := g.list[0].size(); g.all[0] != '0' || first < 2 || first > 6 || g.all[1] == '0' || isDate(g) {
		return 0
	}
	n, end := 1, g.bracketsUpTo(0)
	for n < end && g.before[n] <= most && g.list[n].size() > 1 && g.list[n].mark != '.' && (n == 1 || g.list[n].mark != '/') {
		n++
	}
	if n < g.n && g.list[n].mark == '/' || g.sizes(0, 5, 4) && n == 2 && g.list[1].mark == '-' { // a date, an American postal code
		return 0
	}
	if n == 1 && g.sizes(0, 2, 2, 2, 2, 2) && g.behind('.', 5) {
		n = 5
	}
	if n == 1 || g.before[n-1] < least {
		return 0
	}
	return n
}

// isDate knows 01/02/2026 and 02/2026, and what may follow them.
func isDate(g *groups) bool {
	switch {
	case g.sizes(0, 2, 2, 4):
		return isYear(g.all[4:])
	case g.sizes(0, 2, 4) && g.list[1].mark == '/':
		return isYear(g.all[2:])
	}
	return false
}

func isYear(digits []byte) bool {
	return digits[0] == '1' && digits[1] == '9' || digits[0] == '2' && digits[1] == '0'
}

// chinese is 138 1234 5678.
func chinese(g *groups) int {
	if !g.sizes(0, 3, 4, 4) || g.all[0] != '1' || g.all[1] < '3' || g.bracketsUpTo(-1) < 3 {
		return 0
	}
	return 3
}

// brazilian is (11) 91234-5678 or (11) 1234-5678.
func brazilian(g *groups) int {
	if !g.sizes(0, 2, 5, 4) && !g.sizes(0, 2, 4, 4) || !g.list[0].inBrackets || g.all[0] == '0' || g.all[1] == '0' || g.bracketsUpTo(0) < 3 {
		return 0
	}
	return 3
}

// russian is 8 (495) 123-45-67.
func russian(g *groups) int {
	if !g.sizes(0, 1, 3, 3, 2, 2) || g.all[0] != '8' || g.bracketsUpTo(1) < 5 {
		return 0
	}
	return 5
}

// countryCode is the number of digits of the country's code that digits begin with; 0 where there is none.
func countryCode(digits []byte) int {
	first, second, third := digits[0]-'0', digits[1]-'0', digits[2]-'0'
	if first == 1 || first == 7 {
		return 1
	}
	if twoDigitCodes[first]&(1<<second) != 0 {
		return 2
	}
	if threeDigitCodes[int(first)*10+int(second)]&(1<<third) != 0 {
		return 3
	}
	return 0
}

// twoDigitCodes and threeDigitCodes are the codes that the ITU has assigned: by the digits before the last, a set of
// last digits.
var (
	twoDigitCodes = [10]uint16{
		2: set(0, 7),
		3: set(0, 1, 2, 3, 4, 6, 9),
		4: set(0, 1, 3, 4, 5, 6, 7, 8, 9),
		5: set(1, 2, 3, 4, 5, 6, 7, 8),
		6: set(0, 1, 2, 3, 4, 5, 6),
		8: set(1, 2, 4, 6),
		9: set(0, 1, 2, 3, 4, 5, 8),
	}
	threeDigitCodes = [100]uint16{
		21: set(1, 2, 3, 6, 8),
		22: set(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		23: set(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		24: set(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		25: set(0, 1, 2, 3, 4, 5, 6, 7, 8),
		26: set(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		29: set(0, 1, 7, 8, 9),
		35: set(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		37: set(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		38: set(0, 1, 2, 3, 5, 6, 7, 9),
		42: set(0, 1, 3),
		50: set(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		59: set(0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		67: set(0, 2, 3, 4, 5, 6, 7, 8, 9),
		68: set(0, 1, 2, 3, 5, 6, 7, 8, 9),
		69: set(0, 1, 2),
		80: set(0, 8),
		85: set(0, 2, 3, 5, 6),
		87: set(0),
		88: set(0, 1, 2, 3, 6),
		96: set(0, 1, 2, 3, 4, 5, 6, 7, 8),
		97: set(0, 1, 2, 3, 4, 5, 6, 7, 9),
		99: set(2, 3, 4, 5, 6, 8),
	}
)

func set(digits ...int) uint16 {
	var bits uint16
	for _, digit := range digits {
		bits |= 1 << digit
	}
	return bits
}
