package finder

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// finderOf is the finder of a kind.
func finderOf(tb testing.TB, kind Kind) Finder {
	tb.Helper()
	finders, err := Of([]Kind{kind})
	require.NoError(tb, err)
	require.Len(tb, finders, 1)
	return finders[0]
}

// findsIn is what is found in text.
func findsIn(finder Finder, text string) []string {
	var found []string
	for _, r := range finder.Find(text) {
		found = append(found, text[r.Start:r.End])
	}
	return found
}

// testCase holds finds between « and »; one without them has none.
type testCase struct{ name, text string }

func run(t *testing.T, kind Kind, cases []testCase) {
	t.Helper()
	finder := finderOf(t, kind)
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, piece := range strings.Split(test.text, "«")[1:] {
				find, _, ok := strings.Cut(piece, "»")
				require.True(t, ok)
				want = append(want, find)
			}
			text := strings.NewReplacer("«", "", "»", "").Replace(test.text)
			assert.Equal(t, want, findsIn(finder, text), "%q", text)
		})
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	finders, err := Of([]Kind{KindCard, KindEmail, KindCard})
	require.NoError(t, err)
	assert.Equal(t, []string{"email/1", "card/1"}, Identity(finders))
	finders, err = Of(Kinds())
	require.NoError(t, err)
	assert.Len(t, finders, 6)
	_, err = Of([]Kind{"mail"})
	assert.EqualError(t, err, `there is no finder "mail": give any of [email phone card iban api_key private_key]`)
}

func TestEmail(t *testing.T) {
	t.Parallel()
	run(t, KindEmail, []testCase{
		{"plain", "write to «ann.lee+spam@example.co.uk», please"},
		{"end of a sentence", "It is «a@example.com»."},
		{"angle brackets", "Ann <«ann_lee%x@mail-1.example.org»>"},
		{"mailto", "mailto:«ann@example.com»?subject=x"},
		{"label before", "Email:«ann@example.com»"},
		{"two", "«a@example.com»,«b@example.net»"},
		{"letters with marks", "«jörg.müller@bücher.example»"},
		{"Cyrillic", "пишите на «почта@пример.рф»"},
		{"punycode", "«x@xn--e1afmkfd.xn--p1ai»"},
		{"written in Chinese", "请写信给«ann@example.com»谢谢"},
		{"escaped line break", `{"to": "x\n«ann@example.com»\n"}`},
		{"leading dots", "...«ann@example.com»"},
		{"parentheses", "(«ann@example.com»)"},
		{"upper case", "«ANN@EXAMPLE.COM»"},

		{"no domain", "ann@localhost"},
		{"no local part", "say @example.com"},
		{"a handle", "@ann@social.example"},
		{"an image", "icon@2x.png and photo@3x.jpg"},
		{"a version", "react@18.2.0 and left-pad@latest"},
		{"user of a URL", "https://ann@example.com/x"},
		{"password of a URL", "postgres://ann:secret@db.example.com/x"},
		{"git", "git clone git@github.com:org/repo.git"},
		{"spaces", "ann @ example.com"},
		{"one letter", "ann@example.c"},
		{"digits only", "12@34.56"},
		{"empty label", "ann@example..com"},
		{"a decorator", "@app.route and @property"},
		{"signs", "@@@ a@ @a"},
	})
}

func TestPhone(t *testing.T) {
	t.Parallel()
	run(t, KindPhone, []testCase{
		{"German", "call «+49 30 901820»"},
		{"bracketed zero", "call «+49 (0) 30 901820-0» now"},
		{"one run", "tel:«+4915112345678»"},
		{"American", "«+1 415-555-2671», «+1 (415) 555-2671», «+14155552671»"},
		{"British", "«+44 20 7946 0958»"},
		{"French", "«+33 1 23 45 67 89»"},
		{"Italian, with its zero", "«+39 06 698 12345»"},
		{"Indian", "«+91 98765 43210»"},
		{"Brazilian", "«+55 (11) 91234-5678»"},
		{"no-break spaces and hyphens", "«+49\u00a030\u202f901820», «+1 415\u2011555\u20112671»"},
		{"zero zero", "«0049 30 901820»"},
		{"American national", "«415-555-2671», «(415) 555-2671», «415.555.2671», «1-415-555-2671», «415 555 2671»"},
		{"German national", "«030 901820 22», «(030) 9018-2022», «0171/1234567», «030 - 9018202»"},
		{"British national", "«020 7946 0958» or «07911 123456»"},
		{"French national", "«01 23 45 67 89» or «01.23.45.67.89»"},
		{"Japanese and Korean national", "«090-1234-5678», «010-1234-5678»"},
		{"Australian national", "«0412 345 678», «(02) 9876 5432»"},
		{"Chinese mobile", "电话«138 1234 5678»"},
		{"Brazilian national", "«(11) 91234-5678»"},
		{"Russian national", "«8 (495) 123-45-67», «8-800-555-35-35»"},
		{"end of a sentence", "Call «+49 30 901820»."},
		{"in JSON", `{"tel": "x\n«+49 30 901820»\n"}`},
		{"extension", "«+1 415-555-2671» ext. 12"},
		{"in brackets", "(«+49 30 901820»)"},
		{"a year behind", "«+49 30 901820» (2024)"},

		{"ten digits", "order 4155552671"},
		{"a time stamp", "1712345678 and 1712345678901"},
		{"a sum", "1+12345678901"},
		{"a large number", "+1000000000 or 1 000 000 000"},
		{"grouped thousands", "123 456 789 012"},
		{"a date", "01-02-2024 10:30 and 2024-01-02T10:30:00"},
		{"a date and a number", "01/02/2026 1234567"},
		{"months", "07/2016 - 08/2016"},
		{"short dates", "05/31/04 06/01/04, 01.02.03"},
		{"pages of a journal", "E 71, 036111 (2008), 33, 452-473 (1977)"},
		{"a postal code", "MA 02110-1301 USA"},
		{"a MAC address", "01-23-45-67-89-ab"},
		{"code points", "0069 0307 0301"},
		{"an exponent", "1.2e+09 1234567890"},
		{"a scale", "600    700    800 900 1000    1100"},
		{"a time", "09:30-10:45"},
		{"an IP address", "192.168.100.1000, 010.020.030.040"},
		{"a version", "v1.2.3-4567, 2.0.12.345"},
		{"an ISBN", "978-3-16-148410-0 and 0-306-40615-2"},
		{"a card", "4111 1111 1111 1111"},
		{"an IBAN", "DE89 3704 0044 0532 0130 00"},
		{"a UUID", "550e8400-e29b-41d4-a716-446655440000"},
		{"no such country", "+999 123 456 789, +210 12345678"},
		{"too short", "+49 30 1234"},
		{"too long", "+4930123456789012345678"},
		{"a decimal", "3.0301234567 and 0.41 5552671"},
		{"an area code that is none", "(115) 555-2671, 415-155-2671"},
		{"part of a word", "SKU-030-1234567, x415-555-2671"},
		{"a range", "1990-2000, 2012-2014"},
		{"a price", "€ 1.234.567,89"},
		{"a number sign", "item #030-1234567-22"},
		{"a path", "/v1/415-555-2671"},
		{"zeros", "000 000 0000"},
	})
}

func TestCard(t *testing.T) {
	t.Parallel()
	run(t, KindCard, []testCase{
		{"Visa", "pay with «4111111111111111»."},
		{"Visa of 13 digits", "«4222222222222»"},
		{"Visa of 19 digits", "«4000 0000 0000 0000 006»"},
		{"grouped", "«4111 1111 1111 1111», «4111-1111-1111-1111»"},
		{"no-break spaces and hyphens", "«4111\u00a01111\u00a01111\u00a01111», «4111\u20111111\u20111111\u20111111»"},
		{"with its date and code", "«4111 1111 1111 1111» 12/29 123"},
		{"code right behind", "«4111 1111 1111 1111» 123"},
		{"Mastercard", "«5555555555554444», «2223003122003222»"},
		{"American Express", "«3782 822463 10005», «371449635398431»"},
		{"Diners Club", "«3056 930902 5904», «38520000023237»"},
		{"Discover", "«6011111111111117»"},
		{"JCB", "«3530111333300000»"},
		{"UnionPay", "«6205500000000000004»"},
		{"Maestro", "«6759649826438453»"},
		{"two in a row", "«4111 1111 1111 1111» «5555 5555 5555 4444»"},
		{"in JSON", `{"card": "\n«4111111111111111»\n"}`},

		{"wrong check digit", "4111 1111 1111 1112"},
		{"no network", "1234567812345670, 9999999999999995"},
		{"wrong length", "411111111111111, 37828224631000"},
		{"wrong groups", "41 1111 1111 1111 11, 411 111 111 111 1111"},
		{"mixed separators", "4111-1111 1111-1111"},
		{"in a longer number", "94111111111111111, 41111111111111110000"},
		{"a decimal", "0.4111111111111111, 4111111111111111.5"},
		{"part of a word", "call_4111111111111111, a4111111111111111"},
		{"hex", "4111111111111111abc"},
		{"a time stamp", "1712345678901"},
		{"an IBAN", "DE89 3704 0044 0532 0130 00"},
		{"zeros", "0000 0000 0000 0000"},
	})
}

func TestIBAN(t *testing.T) {
	t.Parallel()
	run(t, KindIBAN, []testCase{
		{"German", "IBAN: «DE89370400440532013000»."},
		{"grouped", "«DE89 3704 0044 0532 0130 00», «GB82 WEST 1234 5698 7654 32»"},
		{"hyphens", "«DE89-3704-0044-0532-0130-00»"},
		{"no-break spaces", "«FR14\u00a02004\u00a01010\u00a00505\u00a00001\u00a03M02\u00a0606»"},
		{"lower case", "«gb82west12345698765432»"},
		{"short", "«NO9386011117947»"},
		{"long", "«MT84MALT011000012345MTLCAST001S»"},
		{"two", "«BE68539007547034» «NL91ABNA0417164300»"},
		{"in JSON", `"\n«DE89370400440532013000»"`},
		{"a word behind", "«DE89 3704 0044 0532 0130 00» is mine"},

		{"wrong check digits", "DE88370400440532013000"},
		{"wrong length", "DE8937040044053201300, DE893704004405320130000"},
		{"no such country", "XX89370400440532013000"},
		{"part of a word", "ADE89370400440532013000, DE89370400440532013000x"},
		{"wrong groups", "DE89 37040044 0532 0130 00"},
		{"groups that end", "DE89 3704 0044"},
		{"words", "AT12 this is what they said"},
		{"a UUID", "550e8400-e29b-41d4-a716-446655440000"},
	})
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	// Put together, so that scanners of this repository find no key.
	const (
		random    = "Zq3xV7bN1mK9" + "pL5sD2fG8hJ4" + "wE6rT0yU3iO7" + "aQ1cX5vB9nM2"
		hexNumber = "0123456789abcdef" + "fedcba9876543210"
		header    = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
		encrypted = "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4R0NNIn0"
		payload   = "eyJzdWIiOiIxMjM0NTY3ODkwIn0"
	)
	run(t, KindAPIKey, []testCase{
		{"OpenAI", "key «sk-" + random + "», «sk-proj-" + random + "_x-y»."},
		{"Anthropic", "x-api-key: «sk-ant-api03-" + random + "-" + random + "AA»"},
		{"OpenRouter", "«sk-or-v1-" + hexNumber + hexNumber + "»"},
		{"compatible", "«sk-" + hexNumber + "»"},
		{"AWS", "«AKIA" + "Z7VRSQ5TJN2XMPLF» and «ASIA" + "Z7VRSQ5TJN2XMPLF»"},
		{"GitHub", "«ghp_" + random[:36] + "» «github_pat_" + random[:22] + "_" + random + "»"},
		{"GitLab", "«glpat-" + random[:20] + "»"},
		{"Slack", "«xoxb-" + "123456789012-1234567890123-" + random[:24] + "»"},
		{"Slack's hook", "https://«hooks.slack.com/services/T0ABCDEFG/B0ABCDEFG/" + random[:24] + "»"},
		{"Google", "?key=«AIza" + random[:35] + "»&x=1"},
		{"Stripe", "«sk_live_" + random[:24] + "» «rk_test_" + random[:24] + "»"},
		{"Hugging Face", "«hf_" + random[:34] + "»"},
		{"Groq", "«gsk_" + random + random[:4] + "»"},
		{"SendGrid, end of a sentence", "It is «SG." + random[:22] + "." + random[:43] + "»."},
		{"JSON Web Token", "Bearer «" + header + "." + payload + "." + random + "», it says"},
		{"encrypted token", "«" + encrypted + "." + random + "." + random[:16] + "." + random + "." + random[:22] + "», it says"},
		{"in JSON", `{"env": "KEY\n«sk-` + random + `»\n"}`},
		{"assignment", "OPENAI_API_KEY=«sk-" + random + "»"},
		{"long", "«ghs_" + strings.Repeat(random, 100) + "»"},

		{"prefix alone", "keys begin with sk- or sk-ant- or ghp_ or AKIA"},
		{"placeholder", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, ghp_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"},
		{"words", "sk-learn-introduction-to-classification-2024, hf_your_token_goes_here_please_do_not_share"},
		{"part of a word", "risk-" + random + ", desk-" + random},
		{"public key", "pk_live_" + random[:24]},
		{"too short", "AKIA" + "Z7VRSQ5TJN2XMPL, ghp_" + random[:35] + ", AIza" + random[:34]},
		{"too long", "AKIA" + "Z7VRSQ5TJN2XMPLFA, AIza" + random[:36]},
		{"lower case", "akia" + "z7vrsq5tjn2xmplf"},
		{"token without signature", header + "." + payload},
		{"no token", "eyJub3QiOiJhIHRva2VuIn0." + payload + "." + random},
		{"no base64", "eyJhbGciOiJIUzI1Ni-_-." + payload + "." + random},
		{"base64 of JSON", "eyJhIjoxLCJiIjoyLCJjIjozfQ"},
		{"hash", hexNumber + hexNumber},
	})
}

func TestPrivateKey(t *testing.T) {
	t.Parallel()
	const (
		line  = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
		begin = "-----BEGIN " + "PRIVATE KEY-----"
		end   = "-----END " + "PRIVATE KEY-----"
	)
	rsa := func(s string) string { return strings.ReplaceAll(s, "PRIVATE", "RSA PRIVATE") }
	run(t, KindPrivateKey, []testCase{
		{"PKCS 8", "Here:\n«" + begin + "\n" + line + "\n" + line + "\nabc=\n" + end + "»\nkeep it"},
		{"RSA with headers", "«" + rsa(begin) + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\n" + line + "\n" + rsa(end) + "»"},
		{"OpenPGP", "«-----BEGIN PGP " + "PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n" + line + "\n=AbCd\n-----END PGP PRIVATE KEY BLOCK-----»"},
		{"OpenSSH", "«-----BEGIN OPENSSH " + "PRIVATE KEY-----\r\n" + line + "\r\n-----END OPENSSH PRIVATE KEY-----»"},
		{"in JSON", `{"private_key": "«` + begin + `\n` + line + `\n` + end + `»\n"}`},
		{"in JSON in JSON", `"{\"k\": \"«` + begin + `\\n` + line + `\\n` + end + `»\\n\"}"`},
		{"indented", "key: |\n    «" + begin + "\n    " + line + "\n    " + end + "»"},
		{"in source code", "`«" + begin + "\\n\" +\n  \"" + line + "\\n\" +\n  \"" + end + "»"},
		{"on one line", "«" + begin + " " + line + " " + end + "»"},
		{"cut off", "«" + begin + "\n" + line + "\n" + line[:10] + "»"},
		{"cut off in JSON", `"«` + begin + `\n` + line + `»\n", "x": 1`},
		{"two", "«" + begin + "\n" + line + "\n" + end + "»\n«" + begin + "\n" + line + "\n" + end + "»"},
		{"two, the first without end", "«" + begin + "\n" + line + "»\n«" + begin + "\n" + line + "\n" + end + "»"},

		{"header alone", "It begins with " + begin + " and so on."},
		{"placeholder", begin + "\n...\n" + end + "\n" + begin + "\nYOUR_KEY_HERE\n" + end},
		{"public key", strings.ReplaceAll(begin+"\n"+line+"\n"+end, "PRIVATE", "PUBLIC")},
		{"certificate", "-----BEGIN CERTIFICATE-----\n" + line + "\n-----END CERTIFICATE-----"},
		{"request for one", "-----BEGIN " + strings.Repeat("x", 100) + "PRIVATE KEY-----\n" + line},
	})
}
