package finder

// card finds numbers of payment cards: 13 to 19 digits in one run or grouped as on the card, with the prefix and the
// length of a network, and a check digit that is right.
type card struct{}

var _ Finder = card{}

func (card) Kind() Kind { return KindCard }

func (card) Version() int { return 1 }

func (card) Find(text string) []Range {
	var found []Range
	last := -1 // the end of the find before
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			i++
			continue
		}
		if end := endOfCard(text, i, last); end > 0 {
			found = append(found, Range{i, end})
			i, last = end, end
			continue
		}
		for i < len(text) && isDigit(text[i]) {
			i++
		}
	}
	return found
}

// cardForms are the ways to group a number; the longest come first.
var cardForms = [][]int{{4, 4, 4, 4, 3}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}}

// endOfCard is where the number that starts at i ends; 0 where none does.
func endOfCard(text string, i, last int) int {
	if continues(text, i) || (at(text, i-1) == '.' || at(text, i-1) == ',') && isDigit(at(text, i-2)) {
		return 0
	}
	if i-1 != last && isGroupOfFour(text, i-1) {
		return 0
	}
	g := readGroups(text, i)
	if g.n == 0 {
		return 0
	}
	if first := g.list[0]; first.size() != 4 {
		if isCard(g.digits(1)) && endsCard(text, first.end) {
			return first.end
		}
		return 0
	}
	for _, form := range cardForms {
		n := len(form)
		if !g.sizes(0, form...) || !g.behind(' ', n) && !g.behind('-', n) {
			continue
		}
		if end := g.endOf(n); isCard(g.digits(n)) && endsCard(text, end) {
			return end
		}
	}
	return 0
}

// isGroupOfFour reports whether four letters or digits and a blank end behind i, as in an IBAN.
func isGroupOfFour(text string, i int) bool {
	if at(text, i) != ' ' && at(text, i) != '-' {
		return false
	}
	n := 0
	for n < 5 && isAlnum(at(text, i-1-n)) {
		n++
	}
	return n == 4 && isDigit(text[i-1])
}

func endsCard(text string, end int) bool {
	next := at(text, end)
	return !isWord(next) && (next != '.' && next != ',' || !isDigit(at(text, end+1)))
}

func isCard(digits []byte) bool {
	return len(digits) >= 13 && len(digits) <= 19 && hasNetwork(digits) && luhn(digits)
}

// hasNetwork reports whether a network issues numbers of this prefix and length.
func hasNetwork(digits []byte) bool {
	prefix := 0
	for _, c := range digits[:6] {
		prefix = prefix*10 + int(c-'0')
	}
	for _, network := range networks {
		if prefix >= network.from && prefix <= network.to && len(digits) >= network.least && len(digits) <= network.most {
			return true
		}
	}
	return false
}

// networks are ranges of the first six digits, with the lengths that are issued.
var networks = []struct{ from, to, least, most int }{
	{400000, 499999, 13, 13}, // Visa
	{400000, 499999, 16, 16},
	{400000, 499999, 19, 19},
	{510000, 559999, 16, 16}, // Mastercard
	{222100, 272099, 16, 16},
	{340000, 349999, 15, 15}, // American Express
	{370000, 379999, 15, 15},
	{300000, 305999, 14, 14}, // Diners Club
	{309500, 309599, 14, 14},
	{360000, 369999, 14, 14},
	{380000, 399999, 14, 14},
	{352800, 358999, 16, 19}, // JCB
	{601100, 601199, 16, 19}, // Discover
	{622126, 622925, 16, 19},
	{644000, 659999, 16, 19},
	{620000, 629999, 16, 19}, // UnionPay
	{810000, 817199, 16, 19},
	{220000, 220499, 16, 19}, // Mir
	{501800, 501899, 13, 19}, // Maestro
	{502000, 502099, 13, 19},
	{503800, 503899, 13, 19},
	{589300, 589399, 13, 19},
	{630400, 630499, 13, 19},
	{675900, 675999, 13, 19},
	{676100, 676399, 13, 19},
}

// luhn checks the last digit against the others.
func luhn(digits []byte) bool {
	sum := 0
	for i := range len(digits) {
		digit := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}
