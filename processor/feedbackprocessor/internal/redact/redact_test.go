package redact

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/finder"
)

func load(tb testing.TB, yaml string) (*Config, error) {
	tb.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	require.NoError(tb, err)
	conf, err := retrieved.AsConf()
	require.NoError(tb, err)
	cfg := new(Config)
	if err := conf.Unmarshal(cfg); err != nil {
		return nil, err
	}
	return cfg, confmap.Validate(cfg)
}

func newRedactor(tb testing.TB, yaml string) *Redactor {
	tb.Helper()
	cfg, err := load(tb, yaml)
	require.NoError(tb, err)
	r, err := New(cfg)
	require.NoError(tb, err)
	return r
}

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, yaml, want string }{
		{"finder", `{finders: [mail]}`, "`finders`: there is no finder \"mail\": give any of [email phone card"},
		{"pattern", `{patterns: ['a', '(?=b)']}`, "`patterns` has \"(?=b)\", which is no RE2 regular expression"},
		{"empty pattern", `{patterns: ['']}`, "`patterns` has \"\", which matches nothing at all everywhere"},
		{"pattern that matches nothing", `{patterns: ['x*']}`, "`patterns` has \"x*\", which matches nothing at all everywhere"},
		{"long replacement", `{replacement: "` + strings.Repeat("x", 65) + `"}`, "`replacement` is 65 bytes long or no UTF-8: give at most 64, such as [REDACTED]"},
		{"unknown key", `{finder: [email]}`, "finder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, test.yaml)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, yaml, text, want string }{
		{"nothing configured", `{}`, "ann@example.com", "ann@example.com"},
		{"nothing found", `{finders: [email]}`, "no address", "no address"},
		{"empty", `{finders: [email], patterns: [x]}`, "", ""},
		{"one", `{finders: [email]}`, "to ann@example.com.", "to [REDACTED]."},
		{"all of it", `{finders: [email]}`, "ann@example.com", "[REDACTED]"},
		{"some kinds only", `{finders: [card]}`, "ann@example.com 4111 1111 1111 1111", "ann@example.com [REDACTED]"},
		{"several kinds", `{finders: [iban, email, phone]}`, "ann@example.com, +49 30 901820, DE89370400440532013000", "[REDACTED], [REDACTED], [REDACTED]"},
		{"own replacement", `{finders: [email], replacement: "***"}`, "to ann@example.com", "to ***"},
		{"null replacement", `{finders: [email], replacement: null}`, "to ann@example.com", "to [REDACTED]"},
		{"pattern", `{patterns: ['\bEMP-\d+\b']}`, "EMP-12 and XEMP-3", "[REDACTED] and XEMP-3"},
		{"whole match, not the group", `{patterns: ['id=(\d+)']}`, "id=12", "[REDACTED]"},
		{"replacement is no template", `{patterns: ['(a)'], replacement: "$1"}`, "xax", "x$1x"},
		{"overlapping", `{patterns: ['abc', 'bcd', 'cde']}`, "xabcdex", "x[REDACTED]x"},
		{"nested", `{patterns: ['abcde', 'c']}`, "xabcdex", "x[REDACTED]x"},
		{"nested, the same start", `{patterns: ['a', 'abc']}`, "abcd", "[REDACTED]d"},
		{"touching", `{patterns: ['\d']}`, "a123b4", "a[REDACTED]b[REDACTED]"},
		{"pattern over a find", `{finders: [email], patterns: ['[\w.]+ <[^>]+>']}`, "Ann <ann@example.com>!", "[REDACTED]!"},
		{"invalid UTF-8", `{patterns: ['b']}`, "\xffb\xc3", "\xff[REDACTED]\xc3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, newRedactor(t, test.yaml).Redact(test.text))
		})
	}
}

func TestMatchesOfNothing(t *testing.T) {
	t.Parallel()
	r := newRedactor(t, `{patterns: ['\b']}`)
	assert.Equal(t, "ab cd", r.Redact("ab cd"), "what only matches between characters takes none out")
}

func TestLongTexts(t *testing.T) {
	t.Parallel()
	const kept = maxText - overlap
	r := newRedactor(t, `{finders: [email], patterns: ['x+y']}`)
	fill := func(n int) string { return strings.Repeat(" ", n) }

	got := r.Redact(fill(maxText-15) + "ann@example.com")
	assert.Equal(t, fill(maxText-15)+"[REDACTED]", got, "a text of 1 MiB is kept whole")
	assert.Equal(t, fill(kept), r.Redact(fill(maxText+1)), "of a longer one the end is not kept")
	assert.Equal(t, fill(kept-3)+"[REDACTED]", r.Redact(fill(kept-3)+"ann@example.com"+fill(maxText)), "what begins in what is kept is seen whole")
	assert.Equal(t, fill(kept), r.Redact(fill(kept)+"ann@example.com"+fill(maxText)))
	assert.True(t, utf8.ValidString(r.Redact(strings.Repeat("€", maxText))), "no rune is cut")
	assert.Len(t, r.Redact(strings.Repeat("\x80", maxText+1)), kept)
}

func TestManyMatches(t *testing.T) {
	t.Parallel()
	r := newRedactor(t, `{patterns: ['a']}`)
	most := strings.Repeat("a b ", maxMatches-1)
	assert.Equal(t, strings.Repeat("[REDACTED] b ", maxMatches-1)+"x", r.Redact(most+"x"))
	assert.Equal(t, strings.Repeat("[REDACTED] b ", maxMatches-1)+"[REDACTED]", r.Redact(most+"a secret"), "what is not looked at any more is not kept")
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	assert.Empty(t, newRedactor(t, `{}`).Identity())
	assert.Empty(t, newRedactor(t, `{replacement: x}`).Identity())
	first := newRedactor(t, `{finders: [email, card], patterns: [a, b]}`).Identity()
	assert.Equal(t, `["redact/1",["email/1","card/1"],["a","b"],"[REDACTED]"]`, first)
	assert.Equal(t, first, newRedactor(t, `{finders: [card, email, card], patterns: [b, a, a], replacement: "[REDACTED]"}`).Identity())
	for _, yaml := range []string{
		`{finders: [email], patterns: [a, b]}`, `{finders: [email, card], patterns: [a]}`, `{finders: [email, card], patterns: [a, b], replacement: x}`,
	} {
		assert.NotEqual(t, first, newRedactor(t, yaml).Identity(), yaml)
	}
}

// hostileTexts are the texts of testdata/hostile.txt, one Go string a line.
func hostileTexts(tb testing.TB) []string {
	tb.Helper()
	file, err := os.ReadFile("testdata/hostile.txt")
	require.NoError(tb, err)
	var texts []string
	for line := range strings.Lines(string(file)) {
		text, err := strconv.Unquote(strings.TrimSpace(line))
		require.NoError(tb, err)
		texts = append(texts, text)
	}
	return texts
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	texts := hostileTexts(t)
	require.GreaterOrEqual(t, len(texts), 40)
	seen := make(map[string]bool)
	r := newRedactor(t, `{finders: [email, phone, card, iban, api_key, private_key], patterns: [MARK]}`)
	for i, text := range texts {
		assert.Contains(t, text, "MARK", "line %d: tests look for it outside of the fence", i+1)
		assert.False(t, seen[text], "line %d", i+1)
		seen[text] = true
		assert.NotContains(t, r.Redact(text), "MARK", "line %d", i+1)
	}
}

func FuzzRedact(f *testing.F) {
	for _, text := range hostileTexts(f) {
		f.Add(text)
	}
	f.Add("ann@example.com +49 30 901820 4111 1111 1111 1111 secret-12")
	r := newRedactor(f, `{finders: [email, phone, card, iban, api_key, private_key], patterns: ['secret-\d+', '(?i)mark'], replacement: "█"}`)
	f.Fuzz(func(t *testing.T, text string) {
		got := r.Redact(text)
		assert.True(t, utf8.ValidString(got) || !utf8.ValidString(text), "no rune is cut")
		assert.LessOrEqual(t, len(got), len(text)+len(text)*len(r.replacement))
		assert.NotRegexp(t, `(?i)mark`, got)
		kept := strings.Split(got, r.replacement)
		rest := text
		for _, piece := range kept { // what is kept is kept as it was, in order
			_, after, ok := strings.Cut(rest, piece)
			require.True(t, ok, "%q", piece)
			rest = after
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	cfg := &Config{Finders: finder.Kinds(), Patterns: []string{`\bEMP-\d+\b`}}
	r, err := New(cfg)
	require.NoError(b, err)
	text := strings.Repeat("Dear ann@example.com, your order of 12.5 kg ships on 01/02/2026 to EMP-77. ", 55)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r.Redact(text)
	}
}
