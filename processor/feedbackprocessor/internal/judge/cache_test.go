package judge

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

func TestCacheConfigRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*CacheConfig)
		want   string
	}{
		{"window", func(c *CacheConfig) { c.Window = -time.Second }, "`window` is -1s"},
		{"no entries", func(c *CacheConfig) { c.Size = 0 }, "`size` is 0: give 1 to 1000000"},
		{"too many", func(c *CacheConfig) { c.Size = 1_000_001 }, "`size` is 1000001"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := NewDefaultCacheConfig()
			tt.change(&cfg)
			require.ErrorContains(t, cfg.Validate(), tt.want)
		})
	}
	cfg := NewDefaultCacheConfig()
	require.NoError(t, cfg.Validate())
	cfg.Window = 0
	require.NoError(t, cfg.Validate())
}

func newTestCache(size int) (*Cache, *fakeClock) {
	clock := newFakeClock()
	return NewCache(CacheConfig{Window: time.Hour, Size: size}, clock.Now), clock
}

func key(name string) CacheKey { return CacheKey([]byte(strings.Repeat(name, 32))) }

var someVerdict = Result{
	Value: "true", Verdict: assessment.VerdictPassed, Rationale: "r", Model: "m", Attempts: 2, InputTokens: 5, CachedTokens: 1, OutputTokens: 5,
	Cost: 1, Duration: time.Second, Usage: []ModelUsage{{Model: "m"}}, Agreement: 0.5, HasAgreement: true,
	Metadata: map[string]string{
		"model": "m", "latency_ms": "1000", "votes": "[]", "agreement": "0.5", "input_truncated": "true",
		"mlflow.assessment.judgeInputTokens": "5", "mlflow.assessment.judgeCost": "1", "cached_tokens": "1",
	},
}

func TestCacheKeepsNoFailures(t *testing.T) {
	cache, _ := newTestCache(10)
	cache.Put(key("a"), &Result{Error: &assessment.Error{Type: "timeout"}})
	cache.Put(key("b"), &Result{Refused: &Refusal{Reason: ReasonThrottled}})
	cache.Put(key("c"), &Result{Value: "true", Rationale: strings.Repeat("x", maxCached)})
	for _, name := range []string{"a", "b", "c", "d"} {
		_, ok := cache.Get(key(name))
		assert.False(t, ok, name)
	}
}

func TestCachedVerdictHasNoCost(t *testing.T) {
	cache, _ := newTestCache(10)
	cache.Put(key("a"), &someVerdict)
	got, ok := cache.Get(key("a"))
	require.True(t, ok)
	assert.Equal(t, Result{
		Value: "true", Verdict: assessment.VerdictPassed, Rationale: "r", Model: "m", Agreement: 0.5, HasAgreement: true,
		Metadata: map[string]string{"cached": "true", "model": "m", "agreement": "0.5", "input_truncated": "true"},
	}, got)
	got.Metadata["sampling.rule"] = "of one subject"
	again, _ := cache.Get(key("a"))
	assert.NotContains(t, again.Metadata, "sampling.rule")
}

func TestCacheForgets(t *testing.T) {
	cache, clock := newTestCache(2)
	has := func(name string) bool {
		_, ok := cache.Get(key(name))
		return ok
	}
	cache.Put(key("a"), &someVerdict)
	clock.now = clock.now.Add(time.Minute)
	cache.Put(key("b"), &someVerdict)
	cache.Put(key("a"), &someVerdict) // given anew, so younger than b
	cache.Put(key("c"), &someVerdict)
	assert.False(t, has("b"), "the oldest of too many")
	assert.True(t, has("a"))
	assert.True(t, has("c"))

	clock.now = clock.now.Add(time.Hour - 1)
	assert.True(t, has("a"))
	clock.now = clock.now.Add(1)
	assert.False(t, has("a"), "its hour is over")
	cache.Put(key("d"), &someVerdict)
	assert.Equal(t, 1, cache.byAge.Len(), "what is too old goes also unasked")
	assert.Len(t, cache.entries, 1)
}

func TestNoCache(t *testing.T) {
	cache := NewCache(CacheConfig{}, time.Now)
	assert.Nil(t, cache)
	cache.Put(key("a"), &someVerdict)
	_, ok := cache.Get(key("a"))
	assert.False(t, ok)
}

func TestCacheKey(t *testing.T) {
	s := newSetup(t, completionServer(""), guideConfig(), nil)
	other := newSetup(t, completionServer(""), configFor("gpt-4", boolConfig()), nil)
	of := func(judge *Judge, change func(*Input)) CacheKey {
		in := guideInput
		change(&in)
		in = judge.Bound(in)
		return judge.CacheKey(&in)
	}
	base := of(s.judge, func(*Input) {})
	for name, change := range map[string]func(*Input){
		"another subject":         func(in *Input) { in.TraceID, in.SpanID = "x", "y" },
		"time and decision":       func(in *Input) { in.Queued, in.Rule, in.Stratum = time.Now(), "r", "s" },
		"what the judge sees not": func(in *Input) { in.System = "x" },
	} {
		assert.Equal(t, base, of(s.judge, change), name)
	}
	for name, change := range map[string]func(*Input){
		"another answer":      func(in *Input) { in.Answer += "!" },
		"text that moves":     func(in *Input) { in.Question, in.Answer = in.Question+in.Answer[:1], in.Answer[1:] },
		"not all of the text": func(in *Input) { in.Truncated = true },
	} {
		assert.NotEqual(t, base, of(s.judge, change), name)
	}
	assert.NotEqual(t, base, of(other.judge, func(*Input) {}), "another judge")
}

func TestConcurrentCache(t *testing.T) {
	cache, _ := newTestCache(4)
	var users sync.WaitGroup
	for i := range 8 {
		users.Go(func() {
			name := string(rune('a' + i))
			for range 1000 {
				cache.Put(key(name), &someVerdict)
				cache.Get(key("a"))
			}
		})
	}
	users.Wait()
	assert.Equal(t, 4, cache.byAge.Len())
	assert.Len(t, cache.entries, 4)
}

func BenchmarkCacheLookup(b *testing.B) {
	prompt, err := parsePrompt("{{.Question}}{{.Answer}}")
	require.NoError(b, err)
	judge := &Judge{prompt: prompt, fingerprint: strings.Repeat("f", 32)}
	cache := NewCache(NewDefaultCacheConfig(), time.Now)
	in := Input{Question: strings.Repeat("q", 512), Answer: strings.Repeat("a", 3584)}
	cache.Put(judge.CacheKey(&in), &someVerdict)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := cache.Get(judge.CacheKey(&in)); !ok {
			b.Fatal("it is not there")
		}
	}
}
