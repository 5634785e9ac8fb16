package judge

import "context"

// Budget bounds what judgements may use. It is asked before each HTTP request, a vote's and a retry's too.
type Budget interface {
	// Reserve sets aside what one request may use. The settlement is settled or released exactly once; where neither
	// comes, as after a crash, what was set aside counts as spent. A refusal ends the judgement, or in a panel the vote.
	Reserve(ctx context.Context, need Need) (Settlement, *Refusal)
}

// Settlement is what was set aside for one request.
type Settlement interface {
	// Settle replaces it by what the request used: what was reserved where nobody knows. ctx is not cancelled.
	Settle(ctx context.Context, spent Spent)
	// Release gives it back, the call included: the request never left.
	Release(ctx context.Context)
}

// Need is what one request may use at most.
type Need struct {
	// Judge is the judge's name; Rule and Stratum are the sampling decision of its Input.
	Judge, Rule, Stratum string
	// Model is the model's key in `models`.
	Model string
	// PromptBytes is the length of both messages.
	PromptBytes int
	// InputTokens is a third of PromptBytes, rounded up: text in European languages has fewer tokens, and what other
	// writing has more is put right by the settlement. OutputTokens is `max_output_tokens`, 1024 where that is 0.
	InputTokens, OutputTokens int64
	// USD is what they cost; 0 where the model has no price.
	USD float64
}

// Spent is what one request used.
type Spent struct {
	InputTokens, OutputTokens int64
	USD                       float64
}

// The reasons of a Refusal, which are those of decisions.
const (
	ReasonThrottled  = "throttled"
	ReasonOverBudget = "over_budget"
)

// ClassLimitsUnavailable is the class of a refusal because nobody knows what is left.
const ClassLimitsUnavailable = "limits_unavailable"

// Refusal says why a request may not be made.
type Refusal struct {
	// Reason is ReasonThrottled or ReasonOverBudget.
	Reason string
	// Class may say more, such as ClassLimitsUnavailable.
	Class string
}

// unlimited is the Budget of those who have none.
type unlimited struct{}

var (
	_ Budget     = unlimited{}
	_ Settlement = unlimited{}
)

// Reserve implements Budget.
func (unlimited) Reserve(context.Context, Need) (Settlement, *Refusal) { return unlimited{}, nil }

// Settle implements Settlement.
func (unlimited) Settle(context.Context, Spent) {}

// Release implements Settlement.
func (unlimited) Release(context.Context) {}

// need is what one request to the model may use.
func (m *Model) need(promptBytes int) Need {
	tokens := usage{input: (int64(promptBytes) + 2) / 3, output: m.cfg.MaxOutputTokens}
	if tokens.output == 0 {
		tokens.output = defaultMaxOutputTokens
	}
	return Need{
		Model: m.key, PromptBytes: promptBytes,
		InputTokens: tokens.input, OutputTokens: tokens.output, USD: m.cfg.Price.cost(tokens),
	}
}

// settle says what a call used.
func (m *Model) settle(ctx context.Context, settlement Settlement, need Need, used usage, fail *failure) {
	ctx = context.WithoutCancel(ctx)
	switch {
	case used != usage{}:
		settlement.Settle(ctx, Spent{InputTokens: used.input, OutputTokens: used.output, USD: m.cfg.Price.cost(used)})
	case fail != nil && fail.spent == spentUnsent:
		settlement.Release(ctx)
	case fail != nil && fail.spent == spentNothing:
		settlement.Settle(ctx, Spent{})
	default:
		settlement.Settle(ctx, Spent{InputTokens: need.InputTokens, OutputTokens: need.OutputTokens, USD: need.USD})
	}
}
