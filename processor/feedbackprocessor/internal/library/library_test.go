package library

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func confOf(tb testing.TB, yaml string) *confmap.Conf {
	tb.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(yaml))
	require.NoError(tb, err)
	conf, err := retrieved.AsConf()
	require.NoError(tb, err)
	return conf
}

// TestEntriesNeverChange holds every file against the day on which it was published: what would change an entry is a
// new version of it. A new entry's line comes from sha256sum.
func TestEntriesNeverChange(t *testing.T) {
	t.Parallel()
	published, err := os.ReadFile("testdata/entries.sha256")
	require.NoError(t, err)
	sums := make(map[string]string)
	for line := range strings.Lines(string(published)) {
		sum, file, ok := strings.Cut(strings.TrimSpace(line), "  ")
		require.True(t, ok, line)
		sums[file] = sum
	}
	err = fs.WalkDir(files, ".", func(file string, one fs.DirEntry, err error) error {
		if err != nil || one.IsDir() {
			return err
		}
		text, err := files.ReadFile(file)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		assert.Equal(t, sums[file], hex.EncodeToString(sum[:]), "%s has changed or is not in testdata/entries.sha256: give it a new version", file)
		delete(sums, file)
		return nil
	})
	require.NoError(t, err)
	assert.Empty(t, sums, "published entries stay")
}

// TestReadmeListsAll wants a line in the README for each entry, and no other.
func TestReadmeListsAll(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	listed := 0
	for line := range strings.Lines(string(readme)) {
		if strings.HasPrefix(line, "| `") {
			listed++
		}
	}
	all := append(Checks(), Judges()...)
	assert.Equal(t, len(all), listed)
	for _, name := range all {
		assert.Contains(t, string(readme), "| `"+name+"` | ")
		assert.Contains(t, string(readme), "use: "+name, "an example")
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{
		"api_key@1", "card@1", "cost@1", "email@1", "iban@1", "latency@1", "phone@1", "private_key@1", "refusal_phrases@1",
		"repetition@1", "tokens@1", "tool_arguments@1", "urls@1",
	}, Checks())
	assert.Equal(t, []string{"correctness@1", "groundedness@1", "helpfulness@1", "prompt_injection@1", "refusal@1", "relevance@1"}, Judges())

	check, err := Check("email@1")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"finds": map[string]any{"any": []any{"email"}}, "expect": false, "explain": "e-mail addresses found: {{.Count}}"}, check)
	judge, err := Judge("refusal@1")
	require.NoError(t, err)
	assert.Contains(t, judge["prompt"], "Decide whether the answer refuses")
	assert.Equal(t, "value == false", judge["pass_when"])
	for _, name := range Judges() {
		assert.FileExists(t, path.Join(judgesDir, name+".txt"))
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, use, want string }{
		{"name", "mail@1", "the library has no \"mail@1\" for `checks`: there are api_key@1, card@1, cost@1, email@1,"},
		{"version", "email@2", `the library has no "email@2", but email@1: versions are part of the name`},
		{"no version", "email", `the library has no "email", but email@1: versions are part of the name`},
		{"empty", "", "the library has no \"\" for `checks`: there are"},
		{"judge", "refusal@1", "\"refusal@1\" is an entry for `judges`: put it there; for `checks` there are api_key@1,"},
		{"path", "../judges/refusal@1", "the library has no \"../judges/refusal@1\" for `checks`"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Check(test.use)
			assert.ErrorContains(t, err, test.want)
			_, err = ForCheck(confOf(t, fmt.Sprintf("use: %q", test.use)))
			assert.ErrorContains(t, err, "`use`: "+test.want)
		})
	}
	_, err := Judge("email@1")
	require.ErrorContains(t, err, "\"email@1\" is an entry for `checks`: put it there; for `judges` there are correctness@1,")
	_, err = ForCheck(confOf(t, "use: 1"))
	assert.ErrorContains(t, err, "`use` is 1: give a name with its version, such as email@1")
}

func TestForCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, yaml, want string }{
		{"nothing used", `{length: {max: 1}}`, `{length: {max: 1}}`},
		{"null", `{use: null, length: {max: 1}}`, `{use: null, length: {max: 1}}`},
		{"only used", `{use: latency@1}`, `{use: latency@1, latency: {max: 10s}, explain: "{{.Problem}}"}`},
		{"own keys", `{use: latency@1, latency: {max: 1s}, kinds: [agent]}`, `{use: latency@1, latency: {max: 1s}, explain: "{{.Problem}}", kinds: [agent]}`},
		{"own keys beside", `{use: tokens@1, tokens: {max_input: 5}}`, `{use: tokens@1, tokens: {max_input: 5, max_total: 32000}, explain: "{{.Problem}}"}`},
		{"lists are replaced", `{use: email@1, finds: {any: [phone, card]}, explain: ""}`, `{use: email@1, finds: {any: [phone, card]}, expect: false, explain: ""}`},
		{"empty lists stay", `{use: urls@1}`, `{use: urls@1, urls: {allow: []}, explain: "URLs of hosts that are not allowed: {{.Found}}"}`},
		{"null is absent", `{use: cost@1, cost: null, explain: null}`, `{use: cost@1, cost: {max_usd: 0.1}, explain: "{{.Problem}}"}`},
		{"null below", `{use: cost@1, cost: {max_usd: null}}`, `{use: cost@1, cost: {max_usd: 0.1}, explain: "{{.Problem}}"}`},
		{"no map, which is for the check to refuse", `{use: cost@1, cost: 5}`, `{use: cost@1, cost: 5, explain: "{{.Problem}}"}`},
		{"empty", `{use: cost@1, cost: {}}`, `{use: cost@1, cost: {max_usd: 0.1}, explain: "{{.Problem}}"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conf, err := ForCheck(confOf(t, test.yaml))
			require.NoError(t, err)
			assert.Equal(t, confOf(t, test.want).ToStringMap(), conf.ToStringMap())
		})
	}
}

func TestForJudge(t *testing.T) {
	t.Parallel()
	relevance, err := Judge("relevance@1")
	require.NoError(t, err)
	conf, err := ForJudge(confOf(t, `{use: relevance@1, model: m, pass_when: value == true, sampling: [{name: all, rate: 1}]}`))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"use": "relevance@1", "model": "m", "pass_when": "value == true", "sampling": []any{map[string]any{"name": "all", "rate": 1}},
		"prompt": relevance["prompt"], "output": relevance["output"],
	}, conf.ToStringMap())

	conf, err = ForJudge(confOf(t, `{model: m}`))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"model": "m"}, conf.ToStringMap())

	for _, key := range []string{`prompt: "{{.Answer}}"`, `prompt_file: x.txt`, `output: {type: number}`} {
		_, err := ForJudge(confOf(t, `{use: relevance@1, `+key+`}`))
		name, _, _ := strings.Cut(key, ":")
		require.EqualError(t, err, "`"+name+"` beside `use: relevance@1` makes another judge of it: give a `source_id` of your own, or leave `"+name+"` out")
		conf, err := ForJudge(confOf(t, `{use: relevance@1, source_id: mine, `+key+`}`))
		require.NoError(t, err)
		for one, value := range confOf(t, "{"+key+"}").ToStringMap() {
			assert.Equal(t, value, conf.Get(one), "it is replaced as a whole")
		}
		assert.Equal(t, name == "prompt_file", conf.Get("prompt") == nil, "a prompt's file replaces the prompt")
	}
	_, err = ForJudge(confOf(t, `{use: relevance@2}`))
	assert.ErrorContains(t, err, "`use`: the library has no \"relevance@2\", but relevance@1")
}
