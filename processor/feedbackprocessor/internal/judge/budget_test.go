package judge

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configretry"

	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

// ledger is a budget that writes everything down.
type ledger struct {
	t testing.TB
	// refuse, if set, decides about the nth call of a model.
	refuse func(model string, nth int) *Refusal

	mu       sync.Mutex
	needs    []Need
	byModel  map[string]int
	open     int
	spent    []Spent
	released int
}

func (l *ledger) Reserve(_ context.Context, need Need) (Settlement, *Refusal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byModel == nil {
		l.byModel = map[string]int{}
	}
	l.byModel[need.Model]++
	if l.refuse != nil {
		if refusal := l.refuse(need.Model, l.byModel[need.Model]); refusal != nil {
			return nil, refusal
		}
	}
	l.needs = append(l.needs, need)
	l.open++
	return &receipt{ledger: l}, nil
}

type receipt struct {
	ledger  *ledger
	settled bool
}

func (r *receipt) Settle(ctx context.Context, spent Spent) {
	r.close(ctx)
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	r.ledger.spent = append(r.ledger.spent, spent)
}

func (r *receipt) Release(ctx context.Context) {
	r.close(ctx)
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	r.ledger.released++
}

func (r *receipt) close(ctx context.Context) {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	assert.NoError(r.ledger.t, ctx.Err(), "settling is not cancelled")
	assert.False(r.ledger.t, r.settled, "it is settled once")
	r.settled = true
	r.ledger.open--
}

// budgeted is a judge on the stand-in with a ledger.
func budgeted(t *testing.T, behaviour string) (setup, *standinllm.Handler, *ledger) {
	t.Helper()
	s, server := standin(t, "standin-"+behaviour, guideConfig(), func(m *ModelConfig, _ *configretry.BackOffConfig) {
		m.Price = PriceConfig{Input: 3, Output: 15}
	})
	book := &ledger{t: t}
	WithBudget(book)(s.judge)
	return s, server, book
}

func TestEveryCallIsReservedAndSettled(t *testing.T) {
	for _, tt := range []struct {
		behaviour string
		calls     int
		// spent is each call's settlement.
		spent func(Result, Need) Spent
	}{
		{"good", 1, actual},
		{"garbage", 1, actual},
		{"cut", 1, actual},
		{"refusal", 1, actual},
		{"401", 1, nothingSpent},
		{"400", 1, nothingSpent},
		{"500", 9, nothingSpent},
		{"429", 9, nothingSpent},
		{"504", 9, reserved},
		{"408", 9, reserved},
		{"drop", 9, reserved},
		{"html", 1, reserved},
		{"huge", 1, reserved},
		{"redirect", 1, nothingSpent},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			t.Parallel()
			s, server, book := budgeted(t, tt.behaviour)
			in := guideInput
			in.Rule, in.Stratum = "rest", "random"
			result, err := s.judge.Judge(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, int64(tt.calls), server.Stats().Calls)
			require.Len(t, book.needs, tt.calls)
			require.Len(t, book.spent, tt.calls)
			assert.Zero(t, book.open)
			for i, need := range book.needs {
				assert.Equal(t, book.needs[0], need)
				assert.Equal(t, tt.spent(result, need), book.spent[i])
			}
		})
	}
}

func nothingSpent(Result, Need) Spent { return Spent{} }

func reserved(_ Result, need Need) Spent {
	return Spent{InputTokens: need.InputTokens, OutputTokens: need.OutputTokens, USD: need.USD}
}

func actual(result Result, _ Need) Spent {
	return Spent{InputTokens: result.InputTokens, OutputTokens: result.OutputTokens, USD: result.Cost}
}

func TestNoBudget(t *testing.T) {
	s, _, _ := budgeted(t, "good")
	WithBudget(nil)(s.judge)
	result, err := s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	assert.Nil(t, result.Refused)
	assert.Nil(t, result.Error)
}

func TestNeed(t *testing.T) {
	s, _, book := budgeted(t, "good")
	in := guideInput
	in.Rule, in.Stratum = "rest", "random"
	_, err := s.judge.Judge(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, book.needs, 1)
	need, sent := book.needs[0], s.requests()[0]
	length := len(sent.System) + len(sent.User)
	assert.Equal(t, Need{
		Judge: "llm_judge_evaluation", Rule: "rest", Stratum: "random", Model: "gpt-4",
		PromptBytes: length, InputTokens: int64((length + 2) / 3), OutputTokens: 1024,
		USD: (float64((length+2)/3)*3 + 1024*15) / 1e6,
	}, need)

	estimates := s.judge.Estimate(&in)
	require.Len(t, estimates, 1)
	assert.GreaterOrEqual(t, estimates[0].PromptBytes, need.PromptBytes, "what is set aside is rarely more than was estimated")
	assert.InEpsilon(t, need.PromptBytes, estimates[0].PromptBytes, 0.25)
	assert.Equal(t, "rest", estimates[0].Rule)
	assert.Greater(t, s.judge.Most()[0].InputTokens, int64(32<<10)/3)

	s.model.cfg.MaxOutputTokens = 0
	assert.Equal(t, int64(defaultMaxOutputTokens), s.judge.Most()[0].OutputTokens, "without a bound, something is set aside")
}

func TestReservationOfACallThatNeverLeft(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	cfg := NewDefaultModelConfig()
	cfg.ClientConfig.Endpoint = "http://" + listener.Addr().String()
	s := newJudge(t, guideConfig(), &cfg, retryConfig())
	book := &ledger{t: t}
	WithBudget(book)(s.judge)
	_, err = s.judge.Judge(t.Context(), guideInput)
	require.NoError(t, err)
	assert.Equal(t, 9, book.released)
	assert.Empty(t, book.spent)
}

func TestReservationOfACallThatIsBrokenOff(t *testing.T) {
	s, server, book := budgeted(t, "hang")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.judge.Judge(ctx, guideInput)
		done <- err
	}()
	require.Eventually(t, func() bool { return server.Stats().InFlight == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.Equal(t, []Spent{reserved(Result{}, book.needs[0])}, book.spent, "nobody knows what it used")
}

func TestRefusalEndsTheJudgement(t *testing.T) {
	for _, tt := range []struct {
		name      string
		behaviour string
		// allowed is the number of calls before the refusal.
		allowed int
		refusal Refusal
	}{
		{"before the first call", "good", 0, Refusal{Reason: ReasonThrottled}},
		{"before a retry", "500", 3, Refusal{Reason: ReasonOverBudget}},
		{"before the call without a feature", "no-schema", 1, Refusal{Reason: ReasonOverBudget, Class: ClassLimitsUnavailable}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, server, book := budgeted(t, tt.behaviour)
			book.refuse = func(_ string, nth int) *Refusal {
				if nth > tt.allowed {
					return &tt.refusal
				}
				return nil
			}
			result, err := s.judge.Judge(t.Context(), guideInput)
			require.NoError(t, err)
			assert.Equal(t, &tt.refusal, result.Refused)
			assert.Nil(t, result.Error)
			assert.Empty(t, result.Value)
			assert.Equal(t, tt.allowed, result.Attempts)
			assert.Equal(t, int64(tt.allowed), server.Stats().Calls)
			assert.Zero(t, book.open)
			assert.Empty(t, s.model.pace.places)
		})
	}
}

func TestRefusalAtTheEndOfTimeIsNone(t *testing.T) {
	s, _, book := budgeted(t, "good")
	ctx, cancel := context.WithCancel(t.Context())
	book.refuse = func(string, int) *Refusal {
		cancel()
		return &Refusal{Reason: ReasonOverBudget, Class: ClassLimitsUnavailable}
	}
	_, err := s.judge.Judge(ctx, guideInput)
	require.ErrorIs(t, err, context.Canceled)
}

func TestRefusalInAPanel(t *testing.T) {
	for _, tt := range []struct {
		name    string
		refused string
		enough  bool
	}{
		{"one of three", "b", true},
		{"two of three", "bc", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			book := &ledger{t: t}
			book.refuse = func(model string, _ int) *Refusal {
				if model == tt.refused[:1] || model == tt.refused[len(tt.refused)-1:] {
					return &Refusal{Reason: ReasonThrottled}
				}
				return nil
			}
			p := newPanel(t, boolConfig(), []string{"good", "good", "good"}, WithBudget(book))
			result, err := p.judge.Judge(t.Context(), guideInput)
			require.NoError(t, err)
			assert.Nil(t, result.Error)
			assert.Equal(t, tt.enough, result.Refused == nil)
			assert.Equal(t, tt.enough, result.Value != "")
			assert.Equal(t, ReasonThrottled, records(t, result)[1]["error"])
			assert.Equal(t, 1, result.Usage[0].Calls, "what was used counts in any case")
			assert.Zero(t, book.open)
		})
	}
}
