package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestHosts lists the hosts that a browser or a renderer of Markdown would go to.
func TestHosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"none", "no URL, e.g. here: a/b //x and C:\\dir, 10:30, std::string", ""},
		{"plain", "see https://example.com/path?q#f.", "example.com"},
		{"end of a sentence", "It is https://example.com. Or (http://example.org), or <https://example.net>", "example.com example.org example.net"},
		{"upper case", "HTTPS://Example.COM", "Example.COM"},
		{"port", "http://localhost:8080/x http://[::1]:80/", "localhost [::1]"},
		{"user", "https://good.com@evil.com/ https://good.com:x@evil.com https://a@b@evil.com", "evil.com evil.com evil.com"},
		{"a bracket before the @", "https://good.com(x)@evil.com", "evil.com"},
		{"backslashes", `https:\\evil.com https:/\evil.com https://good.com\@evil.com`, "evil.com evil.com good.com"},
		{"many slashes and one", "https:////evil.com https:/evil.com", "evil.com evil.com"},
		{"JSON", `{"url":"https:\/\/example.com\/x"}`, "example.com"},
		{"Markdown", "[x](https://example.com) ![](//evil.com/p.png?d=1)", "example.com evil.com"},
		{"HTML", `<img src="//evil.com/x"> <a href='//other.com'>`, "evil.com other.com"},
		{"one right behind the other", "https://good.com,https://evil.com|http://x.y", "good.com evil.com x.y"},
		{"inside another", "https://good.com/?u=https://evil.com", "good.com evil.com"},
		{"other schemes", "ftp://a.b wss://c.d myapp+x://host/ s3://bucket/key", "a.b c.d host bucket"},
		{"a file", "file:///etc/passwd sqlite:///x.db", ""},
		{"www", "www.example.com, (WWW.example.org) and www. or www.", "www.example.com WWW.example.org"},
		{"www in a URL", "https://www.example.com a@www.example.com awww.example.com", "www.example.com"},
		{"www in Chinese", "请看www.example.com谢谢", "www.example.com谢谢"},
		{"at the start", "www.example.com", "www.example.com"},
		{"international", "https://bücher.example/ https://xn--bcher-kva.example", "bücher.example xn--bcher-kva.example"},
		{"encoded", "https://%65vil.com", "%65vil.com"},
		{"a placeholder", "https://{host}/ https://<your-host> https:// http://", ""},
		{"final dot", "https://example.com./x", "example.com"},
		{"e-mail", "mailto:a@b.com", ""},
		{"nested JSON", `note:\\nfoo`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var hosts []string
			eachHost(test.text, func(host string) { hosts = append(hosts, host) })
			assert.Equal(t, test.want, strings.Join(hosts, " "))
		})
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	const explain = `, explain: "{{.Count}} {{.Found}}", explain_passed: "{{.Count}} fine"}`
	for _, test := range []struct{ name, yaml, answer, want string }{
		{"none there", `{urls: {allow: []}`, "no URL", "0 fine"},
		{"none allowed", `{urls: {allow: []}`, "https://a.b and http://c.d https://a.b", "3 ['a.b', 'c.d']"},
		{"allowed", `{urls: {allow: [Example.com]}`, "https://EXAMPLE.com/x", "1 fine"},
		{"not what is below", `{urls: {allow: [example.com]}`, "https://www.example.com/x", "1 ['www.example.com']"},
		{"below", `{urls: {allow: ["*.example.com"]}`, "https://a.b.example.com/x", "1 fine"},
		{"only below", `{urls: {allow: ["*.example.com"]}`, "https://example.com/x", "1 ['example.com']"},
		{"the same end", `{urls: {allow: ["*.example.com"]}`, "https://evilexample.com", "1 ['evilexample.com']"},
		{"denied", `{urls: {deny: [evil.com]}`, "https://evil.com https://good.com", "2 ['evil.com']"},
		{"denied below allowed", `{urls: {allow: ["*.a.b"], deny: [x.a.b]}`, "https://x.a.b https://y.a.b", "2 ['x.a.b']"},
		{"address", `{urls: {allow: ["[::1]", 127.0.0.1]}`, "http://[::1]:80 http://127.0.0.1/", "2 fine"},
		{"many", `{urls: {allow: []}`, strings.Repeat("https://", 3) + "a https://b https://c https://d https://e https://f https://g https://h https://i https://j https://k https://l", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := evaluate(t, newCheck(t, test.yaml+explain), answer(test.answer))
			if test.want == "" {
				assert.Equal(t, 9, strings.Count(result.Rationale, ","), "ten hosts are shown: %s", result.Rationale)
				return
			}
			assert.Equal(t, test.want, result.Rationale)
			assert.Equal(t, strings.HasSuffix(test.want, "fine"), string(result.Value) == "true")
		})
	}
}

func FuzzHosts(f *testing.F) {
	for _, text := range []string{"https://a@b:1/c", "(//a.b", "www.a", "http:\\/\\/x", "[x](//é.è)", "a://[", "://", "http://www.x@www.y"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		eachHost(text, func(host string) {
			assert.NotEmpty(t, host)
			assert.Contains(t, text, host)
			assert.NotContains(t, host, "/")
			assert.NotContains(t, host, "@")
		})
	})
}

// TestHostileURLs ends in time only if all is linear.
func TestHostileURLs(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{":", "a://", "https:", "http:/", "(//", `"//a.`, "www.", "www.a,", "a@", "https://a@", "w", "/", "\\"} {
		n := 0
		eachHost(strings.Repeat(piece, 1<<20/len(piece)), func(string) { n++ })
		assert.LessOrEqual(t, n, 1<<20, piece)
	}
}
