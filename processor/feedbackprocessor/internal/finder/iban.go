package finder

// iban finds International Bank Account Numbers in one run or in groups of four, of a country's length, whose check
// digits are right. Case does not count.
type iban struct{}

var _ Finder = iban{}

func (iban) Kind() Kind { return KindIBAN }

func (iban) Version() int { return 1 }

func (iban) Find(text string) []Range {
	var found []Range
	for i := 0; i+ibanHead < len(text); i++ {
		if !isDigit(text[i+2]) || !isDigit(text[i+3]) || !isLetter(text[i]) || !isLetter(text[i+1]) || continues(text, i) {
			continue
		}
		if end := endOfIBAN(text, i, ibanLengths[[2]byte{upper(text[i]), upper(text[i+1])}]); end > 0 {
			found = append(found, Range{i, end})
			i = end - 1
		}
	}
	return found
}

// ibanHead is the length of country and check digits.
const ibanHead = 4

// endOfIBAN is where the number that starts at i ends, with size characters beside blanks; 0 where none does.
func endOfIBAN(text string, start, size int) int {
	if size == 0 {
		return 0
	}
	grouped := space(text, start+ibanHead) > 0 || at(text, start+ibanHead) == '-'
	rest := 0 // the number modulo 97 with its head at the end
	i := start + ibanHead
	for n := ibanHead; n < size; n++ {
		if grouped && n%4 == 0 {
			blank := space(text, i)
			if blank == 0 && at(text, i) == '-' {
				blank = 1
			}
			if blank == 0 {
				return 0
			}
			i += blank
		}
		c := at(text, i)
		if !isAlnum(c) {
			return 0
		}
		rest = appendMod97(rest, c)
		i++
	}
	for _, c := range []byte(text[start : start+ibanHead]) {
		rest = appendMod97(rest, c)
	}
	if rest != 1 || isWord(at(text, i)) {
		return 0
	}
	return i
}

// appendMod97 appends a digit, or a letter as the number from 10 to 35 that it stands for.
func appendMod97(rest int, c byte) int {
	if isDigit(c) {
		return (rest*10 + int(c-'0')) % 97
	}
	return (rest*100 + int(upper(c)-'A') + 10) % 97
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// ibanCountries are those of the registry that SWIFT keeps, by the length of their numbers.
var ibanCountries = map[int][]string{
	15: {"NO"},
	16: {"BE"},
	18: {"DK", "FI", "FK", "FO", "GL", "NL", "SD"},
	19: {"MK", "SI"},
	20: {"AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"},
	21: {"CH", "HR", "LI", "LV"},
	22: {"BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"},
	23: {"AE", "GI", "IL", "IQ", "OM", "SO", "TL"},
	24: {"AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"},
	25: {"LY", "PT", "ST"},
	26: {"IS", "TR"},
	27: {"BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"},
	28: {"AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"},
	29: {"BR", "EG", "PS", "QA", "UA"},
	30: {"JO", "KW", "MU", "YE"},
	31: {"MT", "SC"},
	32: {"LC"},
	33: {"RU"},
}

var ibanLengths = func() map[[2]byte]int {
	lengths := make(map[[2]byte]int)
	for size, countries := range ibanCountries {
		for _, country := range countries {
			lengths[[2]byte{country[0], country[1]}] = size
		}
	}
	return lengths
}()
