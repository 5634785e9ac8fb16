package limits

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewCaps(t *testing.T) {
	t.Parallel()
	none := amount{noLimit, noLimit}
	tests := []struct {
		name   string
		limits Config
		terms  terms
		want   caps
	}{
		{
			name:   "none",
			limits: Config{}, terms: terms{keep: 0.3, shares: 4},
			want: caps{calls: [strata]int64{noLimit, noLimit}, day: tally{none, none}, hour: tally{none, none}},
		},
		{
			name:   "all, paced",
			limits: Config{CallsPerMinute: 600, TokensPerDay: 12_000, USDPerDay: 6}, terms: terms{keep: 0.3, shares: 1},
			want: caps{
				calls: [strata]int64{600, 420},
				day:   tally{{12_000, 6e9}, {8_400, 4.2e9}},
				hour:  tally{{1000, 5e8}, {700, 3.5e8}},
			},
		},
		{
			name:   "burst",
			limits: Config{USDPerDay: 6}, terms: terms{burst: true, shares: 1},
			want: caps{
				calls: [strata]int64{noLimit, noLimit},
				day:   tally{{noLimit, 6e9}, {noLimit, 6e9}},
				hour:  tally{none, none},
			},
		},
		{
			name:   "shares are rounded down",
			limits: Config{CallsPerMinute: 10, TokensPerDay: 101}, terms: terms{keep: 0.5, burst: true, shares: 3},
			want: caps{
				calls: [strata]int64{3, 1},
				day:   tally{{33, noLimit}, {16, noLimit}},
				hour:  tally{none, none},
			},
		},
		{
			name:   "a product with noise",
			limits: Config{CallsPerMinute: 100}, terms: terms{keep: 0.07, shares: 1},
			want: caps{calls: [strata]int64{100, 93}, day: tally{none, none}, hour: tally{none, none}},
		},
		{
			name:   "a share that is none is not no limit",
			limits: Config{CallsPerMinute: 1, TokensPerDay: 1, USDPerDay: 1e-9}, terms: terms{shares: 2},
			want: caps{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, newCaps(tt.limits, tt.terms))
		})
	}
}

// FuzzNewCaps never turns a limit into none or more, nor none into a limit.
func FuzzNewCaps(f *testing.F) {
	f.Add(int64(600), int64(2_000_000), 5.0, 0.3, int64(4), false)
	f.Add(int64(1), int64(0), 0.07, 0.999, int64(1), true)
	f.Add(int64(maxCalls), int64(maxTokens), float64(maxUSD), 0.1, int64(3), false)
	f.Fuzz(func(t *testing.T, calls, tokens int64, usd, keep float64, shares int64, burst bool) {
		limits := Config{CallsPerMinute: calls, TokensPerDay: tokens, USDPerDay: usd}
		global := NewDefaultGlobalConfig()
		global.ReserveRandom = keep
		if limits.Validate() != nil || global.Validate() != nil || shares < 1 || shares > math.MaxInt32 {
			return
		}
		got := newCaps(limits, terms{keep: keep, shares: shares, burst: burst})
		check := func(limit float64, set bool, of func(st stratum) (whole, hour int64)) {
			for st := range strata {
				part := limit
				if st == triggered {
					part *= 1 - keep
				}
				whole, hour := of(st)
				if !set {
					require.Equal(t, [2]int64{noLimit, noLimit}, [2]int64{whole, hour})
					continue
				}
				slack := 1 + part*1e-9
				require.GreaterOrEqual(t, whole, int64(0))
				require.LessOrEqual(t, float64(whole)*float64(shares), part+slack)
				if !burst {
					require.LessOrEqual(t, hour*hoursOfDay, whole+hoursOfDay)
				}
			}
		}
		check(float64(calls), calls > 0, func(st stratum) (int64, int64) {
			if calls == 0 {
				return got.calls[st], noLimit
			}
			return got.calls[st], got.calls[st] / hoursOfDay
		})
		check(float64(tokens), tokens > 0, func(st stratum) (int64, int64) { return got.day[st].tokens, got.hour[st].tokens })
		check(usd*1e9, usd > 0, func(st stratum) (int64, int64) { return got.day[st].nano, got.hour[st].nano })
	})
}

func TestFits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*Settings)
		need   Need
		// failed and rest are what the triggered and the random rule are told.
		failed, rest string
	}{
		{name: "no limits", change: func(*Settings) {}, need: call},
		{name: "just fits", need: call, change: func(set *Settings) {
			set.Judges[0].Limits = Config{CallsPerMinute: 2, TokensPerDay: 143, USDPerDay: 0.0015}
		}},
		{
			name: "day", need: call, change: func(set *Settings) { set.Config.Limits.TokensPerDay = 99 },
			failed: "`tokens_per_day` of all judges is too small for a single call of rule \"failed\", which may need 100: its stratum has 69 a day",
			rest:   "`tokens_per_day` of all judges is too small for a single call of rule \"rest\", which may need 100: its stratum has 99 a day",
		},
		{
			name: "hour", need: call,
			change: func(set *Settings) { set.Judges[0].Limits.USDPerDay, set.Config.Burst = 0.0119, false },
			failed: "`usd_per_day` of judge \"relevance\" is too small for a single call of rule \"failed\", which may need 0.001 USD: " +
				"its stratum has 0.000694166 an hour, a 12th of it unless `burst` is true",
			rest: "which may need 0.001 USD: its stratum has 0.000991666 an hour",
		},
		{
			name: "only the triggered", need: call, change: func(set *Settings) { set.Config.Limits.TokensPerDay = 110 },
			failed: "its stratum has 77 a day",
		},
		{
			name: "its own", need: call, change: func(set *Settings) { set.Judges[0].Rules[0].Limits.TokensPerDay = 10 },
			failed: "`tokens_per_day` of the rule of judge \"relevance\" is too small",
		},
		{
			name: "calls", change: func(set *Settings) { set.Config.Limits.CallsPerMinute = 1 },
			failed: "`calls_per_minute` of all judges leaves none for rule \"failed\", after `reserve_random`",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newPlace(t).open(t, tt.change)
			for rule, want := range map[*Rule]string{r.failed: tt.failed, r.rest: tt.rest} {
				if err := rule.Fits(tt.need); want == "" {
					assert.NoError(t, err)
				} else {
					assert.ErrorContains(t, err, want)
				}
			}
		})
	}
}

func TestNewAmount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		tokens int64
		usd    float64
		want   amount
	}{
		{name: "nothing"},
		{name: "exact", tokens: 7, usd: 0.0000025, want: amount{7, 2500}},
		{name: "noise", usd: 0.30000000000000004, want: amount{0, 300_000_000}},
		{name: "less than a billionth", usd: 1e-12, want: amount{0, 1}},
		{name: "negative", tokens: -1, usd: -1},
		{name: "no number", usd: math.NaN()},
		{name: "too much", tokens: math.MaxInt64, usd: math.Inf(1), want: amount{maxAmount, maxAmount}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, newAmount(tt.tokens, tt.usd))
		})
	}
}
