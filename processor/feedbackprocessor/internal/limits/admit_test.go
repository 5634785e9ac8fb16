package limits

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAdmit(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) {
				set.Config.Limits.CallsPerMinute = 10
				set.Judges[0].Limits.TokensPerDay = 500
			})
			assert.Equal(t, admitted, r.rest.Admit(call), "nothing is known yet")
			n, _ := count(t, r.rest, call)
			require.Equal(t, 5, n)
			midnight := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
			want := Verdict{Outcome: OverBudget, Scope: ScopeJudge, Limit: "tokens_per_day", Wait: midnight.Sub(noon)}
			assert.Equal(t, want, r.rest.Admit(call))
			assert.Equal(t, admitted, r.rest.Admit(Need{}))
			assert.Equal(t, admitted, r.others.Admit(call))
			n, verdict := count(t, r.others, call)
			require.Equal(t, 5, n)
			assert.Equal(t, verdict, r.others.Admit(call))
			assert.Equal(t, want, r.rest.Admit(call), "what lasts longer is said first")
			p.set(t, midnight)
			assert.Equal(t, admitted, r.rest.Admit(call))
			assert.Equal(t, admitted, r.others.Admit(call))
		})
	}
}

func TestAdmitByStratum(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Judges[0].Limits = Config{CallsPerMinute: 10, TokensPerDay: 5000} })
			count(t, r.failed, call)
			assert.Equal(t, Throttled, r.failed.Admit(call).Outcome)
			assert.Equal(t, admitted, r.rest.Admit(call))
			count(t, r.rest, call)
			assert.Equal(t, Throttled, r.rest.Admit(call).Outcome)
		})
	}
}

// TestAdmitLooksAgain lets one subject through where others may have given back what this replica knows nothing of.
func TestAdmitLooksAgain(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits.TokensPerDay = 100 })
			reserve(t, r.rest, call)
			for range 3 {
				p.pass(t, refresh-time.Nanosecond)
				assert.Equal(t, OverBudget, r.rest.Admit(call).Outcome)
				p.pass(t, time.Nanosecond)
				assert.Equal(t, admitted, r.rest.Admit(call))
				assert.Equal(t, OverBudget, r.rest.Admit(call).Outcome, "one is enough")
				assert.Equal(t, OverBudget, r.others.Admit(call).Outcome)
			}
			p.pass(t, refresh/2)
			refuse(t, r.rest, call)
			p.pass(t, refresh/2)
			assert.Equal(t, OverBudget, r.rest.Admit(call).Outcome, "an answer is as good")
		})
	}
}

func TestAdmitAfterSettling(t *testing.T) {
	t.Parallel()
	for name, start := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			r := p.open(t, func(set *Settings) { set.Config.Limits = Config{CallsPerMinute: 2, TokensPerDay: 200} })
			reserve(t, r.rest, Need{Tokens: 50})
			reservation := reserve(t, r.rest, Need{Tokens: 150})
			assert.Equal(t, OverBudget, r.rest.Admit(call).Outcome)
			require.NoError(t, reservation.Settle(t.Context(), 30, 0))
			assert.Equal(t, Throttled, r.rest.Admit(call).Outcome)
			p.pass(t, 61*time.Second)
			reservation = reserve(t, r.rest, call)
			other := reserve(t, r.rest, Need{})
			assert.Equal(t, OverBudget, r.rest.Admit(call).Outcome)
			require.NoError(t, other.Release(t.Context()))
			require.NoError(t, reservation.Release(t.Context()))
			assert.Equal(t, admitted, r.rest.Admit(call))
		})
	}
}
