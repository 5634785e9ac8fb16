package limits

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNoLimit(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, nil)
			for range 1000 {
				assert.Equal(t, admitted, r.rest.Admit(call))
				require.NoError(t, reserve(t, r.rest, call).Settle(t.Context(), 1, 1))
			}
			require.NoError(t, r.rest.Fits(Need{Tokens: maxTokens, USD: maxUSD}))
			assert.Nil(t, r.Rule("relevance", "none"))
		})
	}
}

func TestCallsPerMinute(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits.CallsPerMinute = 3 })
			reserve(t, r.rest, call)
			p.pass(t, 10*time.Second)
			reserve(t, r.rest, call)
			reserve(t, r.others, call)
			// The first call was made at 20.7 s, in the 20th second, which is counted whole.
			want := Verdict{Outcome: Throttled, Scope: ScopeAll, Limit: "calls_per_minute", Wait: 50300 * time.Millisecond}
			assert.Equal(t, want, refuse(t, r.rest, call))
			assert.Equal(t, want, refuse(t, r.others, call))
			p.pass(t, want.Wait-time.Millisecond)
			assert.Equal(t, time.Millisecond, refuse(t, r.rest, call).Wait)
			p.pass(t, time.Millisecond)
			reserve(t, r.rest, call)
			assert.Equal(t, 10*time.Second, refuse(t, r.rest, call).Wait)
			p.pass(t, time.Hour)
			n, _ := count(t, r.rest, call)
			assert.Equal(t, 3, n)
		})
	}
}

func TestDayLimits(t *testing.T) {
	untilMidnight := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC).Sub(noon)
	tests := []struct {
		name   string
		limits Config
		need   Need
		want   int
		limit  string
	}{
		{name: "tokens", limits: Config{TokensPerDay: 1000}, need: Need{Tokens: 300}, want: 3, limit: "tokens_per_day"},
		{name: "tokens used up", limits: Config{TokensPerDay: 1000}, need: Need{Tokens: 100}, want: 10, limit: "tokens_per_day"},
		{name: "dollars add up exactly", limits: Config{USDPerDay: 1}, need: Need{USD: 0.1}, want: 10, limit: "usd_per_day"},
		{name: "tenths of a cent", limits: Config{USDPerDay: 0.07}, need: Need{USD: 0.0007}, want: 100, limit: "usd_per_day"},
		{
			name: "what is used up first", limits: Config{TokensPerDay: 1000, USDPerDay: 0.5},
			need: Need{Tokens: 100, USD: 0.1}, want: 5, limit: "usd_per_day",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, start := range places {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					p := start(t)
					r := p.open(t, func(set *Settings) { set.Judges[0].Limits = tt.limits })
					for range 2 {
						n, verdict := count(t, r.rest, tt.need)
						assert.Equal(t, tt.want, n)
						assert.Equal(t, OverBudget, verdict.Outcome)
						assert.Equal(t, ScopeJudge, verdict.Scope)
						assert.Equal(t, tt.limit, verdict.Limit)
						p.pass(t, verdict.Wait-time.Millisecond)
						refuse(t, r.rest, tt.need)
						p.pass(t, time.Millisecond)
					}
					assert.Equal(t, noon.Add(untilMidnight+24*time.Hour), p.clock.Now())
				})
			}
		})
	}
}

func TestNeedsNothingOfALimit(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits = Config{TokensPerDay: 100, USDPerDay: 1} })
			reserve(t, r.rest, Need{Tokens: 100, USD: -1})
			reserve(t, r.rest, Need{Tokens: -5})
			assert.Equal(t, "tokens_per_day", refuse(t, r.rest, Need{Tokens: 1}).Limit)
			assert.Equal(t, "usd_per_day", refuse(t, r.rest, Need{USD: 1e300}).Limit)
		})
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Config.Limits = Config{CallsPerMinute: 4, TokensPerDay: 1000, USDPerDay: 1}
			})
			first := reserve(t, r.rest, Need{Tokens: 1000, USD: 1})
			assert.Equal(t, "tokens_per_day", refuse(t, r.rest, Need{Tokens: 1}).Limit)
			for range 3 { // once is enough
				require.NoError(t, first.Settle(t.Context(), 200, 0.25))
				require.NoError(t, first.Release(t.Context()))
			}
			second := reserve(t, r.rest, Need{Tokens: 800, USD: 0.75})
			refuse(t, r.rest, Need{Tokens: 1})
			assert.Equal(t, "usd_per_day", refuse(t, r.rest, Need{USD: 0.01}).Limit)
			require.NoError(t, second.Settle(t.Context(), 700, 0.75))
			third := reserve(t, r.rest, Need{Tokens: 10})
			fourth := reserve(t, r.rest, Need{})
			assert.Equal(t, Throttled, refuse(t, r.rest, Need{}).Outcome)
			require.NoError(t, fourth.Release(t.Context()))
			reserve(t, r.rest, Need{Tokens: 90})
			require.NoError(t, third.Settle(t.Context(), 11, 0)) // more than it was thought to
			assert.Equal(t, OverBudget, refuse(t, r.rest, Need{}).Outcome)
		})
	}
}

func TestSettleLate(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Config.Limits = Config{CallsPerMinute: 1, TokensPerDay: 1200}
				set.Config.Burst = false
			})
			late := reserve(t, r.rest, Need{Tokens: 100})
			p.pass(t, 59*time.Minute+50*time.Second) // the next hour
			reserve(t, r.rest, Need{Tokens: 60})
			require.NoError(t, late.Settle(t.Context(), 0, 0))
			p.pass(t, time.Minute+2*time.Second)
			assert.Equal(t, OverBudget, refuse(t, r.rest, Need{Tokens: 41}).Outcome, "the other hour has no more for it")
			overnight := reserve(t, r.rest, Need{Tokens: 40})
			p.set(t, time.Date(2026, 3, 5, 0, 10, 0, 0, time.UTC))
			reserve(t, r.rest, Need{Tokens: 90})
			require.NoError(t, overnight.Release(t.Context()))
			p.pass(t, time.Minute+2*time.Second)
			assert.Equal(t, OverBudget, refuse(t, r.rest, Need{Tokens: 11}).Outcome, "nor has the other day")
			last := reserve(t, r.rest, Need{Tokens: 10})
			require.NoError(t, last.Release(t.Context()))
			reserve(t, r.rest, Need{Tokens: 10})
		})
	}
}

func TestUnsettledCountsAsSpent(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			limit := func(set *Settings) { set.Config.Limits = Config{TokensPerDay: 1000} }
			dead := p.open(t, limit)
			for range 7 {
				reserve(t, dead.rest, call) // and dies
			}
			r := dead
			if p.redis != nil {
				r = p.open(t, limit)
			}
			p.pass(t, 11*time.Hour)
			n, _ := count(t, r.rest, call)
			assert.Equal(t, 3, n)
		})
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Config.Limits.CallsPerMinute = 10
				set.Judges[0].Limits.TokensPerDay = 500
				set.Judges[0].Rules[1].Limits.CallsPerMinute = 2
			})
			n, verdict := count(t, r.rest, call)
			assert.Equal(t, 2, n)
			assert.Equal(t, ScopeRule, verdict.Scope)
			n, verdict = count(t, r.failed, call)
			assert.Equal(t, 3, n)
			assert.Equal(t, ScopeJudge, verdict.Scope)
			n, verdict = count(t, r.others, call)
			assert.Equal(t, 5, n, "what one scope refuses, no other one counts")
			assert.Equal(t, ScopeAll, verdict.Scope)
			assert.Equal(t, OverBudget, refuse(t, r.rest, call).Outcome, "what lasts longer is said first")
		})
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Config.Limits.TokensPerDay = 12 * 500
				set.Config.Burst = false
			})
			p.set(t, time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC))
			for hour := range 12 {
				n, verdict := count(t, r.rest, call)
				require.Equal(t, 5, n, "hour %d", hour)
				want := time.Hour
				if hour == 11 {
					want = 13 * time.Hour
				}
				require.Equal(t, want, verdict.Wait, "hour %d", hour)
				p.pass(t, 30*time.Minute)
				refuse(t, r.rest, call)
				p.pass(t, 30*time.Minute)
			}
			refuse(t, r.rest, call)
			p.pass(t, 12*time.Hour)
			// What an hour left unused is not lost for the day, but only others can have it.
			reserve(t, r.rest, call)
			p.pass(t, time.Hour)
			n, _ := count(t, r.rest, call)
			assert.Equal(t, 5, n)
		})
	}
}

func TestDaysOfAZone(t *testing.T) {
	tests := []struct {
		name, zone string
		// noon is in the day whose length is tested.
		noon  time.Time
		hours time.Duration
	}{
		{name: "utc", zone: "UTC", noon: noon, hours: 24},
		{name: "half an hour", zone: "Asia/Kolkata", noon: noon, hours: 24},
		{name: "clocks go forward", zone: "Europe/Berlin", noon: time.Date(2026, 3, 29, 10, 0, 0, 0, time.UTC), hours: 23},
		{name: "clocks go back", zone: "Europe/Berlin", noon: time.Date(2026, 10, 25, 10, 0, 0, 0, time.UTC), hours: 25},
		{name: "no midnight", zone: "Africa/Cairo", noon: time.Date(2026, 4, 24, 10, 0, 0, 0, time.UTC), hours: 23},
		{name: "midnight twice", zone: "America/Havana", noon: time.Date(2026, 11, 1, 15, 0, 0, 0, time.UTC), hours: 25},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, start := range places {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					p := start(t)
					r := p.open(t, func(set *Settings) {
						set.Config.DayZone = tt.zone
						set.Config.Limits.TokensPerDay = 12 * 100
						set.Config.Burst = false
					})
					p.set(t, tt.noon.Add(-24*time.Hour))
					count(t, r.rest, Need{Tokens: 1200})
					zone, err := location(tt.zone)
					require.NoError(t, err)
					year, month, day := tt.noon.In(zone).Date()
					first := tt.noon.Truncate(time.Second)
					for first.Add(-time.Second).In(zone).Day() == day {
						first = first.Add(-time.Second)
					}
					p.set(t, first.Add(-time.Second))
					reserve(t, r.rest, call)
					assert.Equal(t, time.Second, refuse(t, r.rest, call).Wait, "the day begins")
					p.pass(t, time.Second)
					calls := 0
					for hour := range tt.hours {
						if reservation, verdict := r.rest.Reserve(t.Context(), call); reservation != nil {
							calls++
							wait := refuse(t, r.rest, call).Wait
							if calls == 12 {
								wait -= (tt.hours - hour - 1) * time.Hour
							}
							require.Equal(t, time.Hour, wait, "hour %d", hour)
						} else {
							require.Equal(t, (tt.hours-hour)*time.Hour, verdict.Wait, "hour %d", hour)
						}
						p.pass(t, time.Hour)
					}
					assert.Equal(t, 12, calls)
					year2, month2, day2 := p.clock.Now().In(zone).Date()
					assert.Equal(t, civil(year, month, day+1), civil(year2, month2, day2))
					reserve(t, r.rest, call)
				})
			}
		})
	}
}

// TestLastHourOfADay ends with the day also where the clocks change by half an hour.
func TestLastHourOfADay(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Config.DayZone = "Australia/Lord_Howe"
				set.Config.Limits.TokensPerDay = 12 * 100
				set.Config.Burst = false
			})
			// Of the 24.5 hours of 5 April, counted from 4 April 13:00 UTC, the last but one begins at 12:00.
			p.set(t, time.Date(2026, 4, 5, 12, 0, 0, 0, time.UTC))
			reserve(t, r.rest, call)
			assert.Equal(t, time.Hour, refuse(t, r.rest, call).Wait)
			p.pass(t, time.Hour)
			reserve(t, r.rest, call)
			assert.Equal(t, 30*time.Minute, refuse(t, r.rest, call).Wait)
			p.pass(t, 30*time.Minute)
			reserve(t, r.rest, call)
			assert.Equal(t, time.Hour, refuse(t, r.rest, call).Wait)
		})
	}
}

// TestReleaseLate takes nothing from the window that it has left, whatever stands in its place there.
func TestReleaseLate(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits.CallsPerMinute = 2 })
			late := reserve(t, r.rest, call)
			p.pass(t, windowSeconds*time.Second)
			reserve(t, r.rest, call)
			reserve(t, r.rest, call)
			require.NoError(t, late.Release(t.Context()))
			refuse(t, r.rest, call)
		})
	}
}

// TestFloodOfTriggered is what `reserve_random` is for.
func TestFloodOfTriggered(t *testing.T) {
	tests := []struct {
		name   string
		limits Config
	}{
		{name: "calls", limits: Config{CallsPerMinute: 10}},
		{name: "tokens", limits: Config{TokensPerDay: 1000}},
		{name: "dollars", limits: Config{USDPerDay: 0.01}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, start := range places {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					p := start(t)
					limit := func(set *Settings) { set.Judges[0].Limits = tt.limits }
					r := p.open(t, limit)
					n, _ := count(t, r.failed, call)
					assert.Equal(t, 7, n)
					n, _ = count(t, r.rest, call)
					assert.Equal(t, 3, n)
					p.pass(t, 24*time.Hour)
					n, _ = count(t, r.rest, call)
					assert.Equal(t, 10, n, "the random stratum may have all")
					refuse(t, r.failed, call)
					p.pass(t, 24*time.Hour)
					reserve(t, r.rest, call)
					n, _ = count(t, r.failed, call)
					assert.Equal(t, 7, n, "what random calls take of theirs costs triggered ones nothing")
				})
			}
		})
	}
}

func TestNothingIsKeptWhereNothingIsRandom(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Judges[0].Rules[0].Limits.CallsPerMinute = 4
				set.Judges[1].Rules = []RuleSettings{{Name: "rest", Triggered: true}}
				set.Judges[1].Limits.CallsPerMinute = 12
				set.Config.Limits.CallsPerMinute = 20
			})
			n, _ := count(t, r.failed, call)
			assert.Equal(t, 4, n)
			n, verdict := count(t, r.others, call)
			assert.Equal(t, 10, n)
			assert.Equal(t, ScopeAll, verdict.Scope, "14 of 20 are the triggered calls' share of all")
			n, _ = count(t, r.rest, call)
			assert.Equal(t, 6, n)
		})
	}
}

// TestConcurrently lets many workers of two replicas, where there can be two, reserve, settle and release.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			limit := func(set *Settings) { set.Config.Limits = Config{CallsPerMinute: 200, TokensPerDay: 8000} }
			replicas := []replica{p.open(t, limit)}
			if p.redis != nil {
				replicas = append(replicas, p.open(t, limit))
			}
			var calls, tokens atomic.Int64
			var workers sync.WaitGroup
			for i := range 8 {
				workers.Go(func() {
					rule := replicas[i%len(replicas)].rest
					for turn := 0; ; turn++ {
						rule.Admit(call)
						reservation, verdict := rule.Reserve(t.Context(), call)
						if reservation == nil {
							assert.NotEqual(t, Unavailable, verdict.Outcome, "%v", verdict.Err)
							return
						}
						if turn%3 == 2 {
							assert.NoError(t, reservation.Release(t.Context()))
							continue
						}
						calls.Add(1)
						tokens.Add(30)
						assert.NoError(t, reservation.Settle(t.Context(), 30, 0))
					}
				})
			}
			workers.Wait()
			// A worker may give up because of what another one gives back.
			for n, _ := count(t, replicas[0].rest, Need{Tokens: 30}); n > 0; n-- {
				calls.Add(1)
				tokens.Add(30)
			}
			assert.Equal(t, int64(200), calls.Load())
			assert.LessOrEqual(t, tokens.Load(), int64(8000))
		})
	}
}
