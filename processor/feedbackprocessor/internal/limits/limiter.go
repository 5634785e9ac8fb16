package limits

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"
)

// Settings are what a limiter is made of.
type Settings struct {
	// Config must be valid, as must the limits of judges and rules.
	Config GlobalConfig
	// Judges are those whose calls are limited.
	Judges []JudgeSettings
	// Logger is told when Redis does not answer, and when it does again.
	Logger *zap.Logger
	// Now is the replica's clock. Default time.Now.
	Now func() time.Time

	// clock is the script that asks Redis for the time.
	clock string
	// timeout bounds a call of Redis.
	timeout time.Duration
}

func (s *Settings) setDefaults() {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.clock == "" {
		s.clock = clockSource
	}
	if s.timeout == 0 {
		s.timeout = answerTimeout
	}
}

// JudgeSettings are one judge's limits.
type JudgeSettings struct {
	// Name is the judge's name, by which all replicas know it.
	Name   string
	Limits Config
	Rules  []RuleSettings
}

// RuleSettings are one sampling rule's limits.
type RuleSettings struct {
	// Name is the rule's name, unique within the judge.
	Name   string
	Limits Config
	// Triggered says that the rule is of the triggered stratum, not of the random one.
	Triggered bool
}

// Limiter bounds the calls of all judges. It is safe for concurrent use.
type Limiter struct {
	ledger ledger
	now    func() time.Time
	began  time.Time
	rules  map[ruleName]*Rule
}

type ruleName struct{ judge, rule string }

// New makes a limiter. It does not connect to Redis: the first reservation does.
func New(ctx context.Context, set Settings) (*Limiter, error) {
	zone, err := location(set.Config.DayZone)
	if err != nil {
		return nil, err
	}
	set.setDefaults()
	l := &Limiter{now: set.Now, began: set.Now(), rules: map[ruleName]*Rule{}}
	scopes := l.addRules(&set)
	days := &calendar{zone: zone}
	if !set.Config.Redis.HasValue() {
		l.ledger = newMemory(days, l.now, scopes.caps(1))
		return l, nil
	}
	counted, err := newShared(ctx, &set, days, scopes.caps(1))
	if err != nil {
		return nil, fmt.Errorf("`limits`: %w", err)
	}
	if set.Config.OnUnavailable == OnUnavailableLocal {
		own := newMemory(days, l.now, scopes.caps(set.Config.Replicas))
		l.ledger = newFallback(counted, own, l.newGate(&set, "this replica makes its share of the calls"))
	} else {
		l.ledger = newGated(counted, l.newGate(&set, "no calls that are limited are made"))
	}
	return l, nil
}

func (l *Limiter) newGate(set *Settings, meanwhile string) *gate {
	return &gate{logger: set.Logger, meanwhile: meanwhile, ticks: l.ticks}
}

// scopes are all that have a limit.
type scopes struct {
	all    []*scope
	limits []Config
	keep   []float64
	burst  bool
}

// caps are by the scopes' indices.
func (s *scopes) caps(shares int64) []caps {
	all := make([]caps, len(s.all))
	for i, limits := range s.limits {
		all[i] = newCaps(limits, terms{keep: s.keep[i], burst: s.burst, shares: shares})
	}
	return all
}

// add returns nil for a scope without limits. keep is what the random stratum has for itself.
func (s *scopes) add(kind Scope, key string, limits Config, keep float64) *scope {
	if limits == (Config{}) {
		return nil
	}
	added := &scope{kind: kind, key: key, index: len(s.all)}
	added.caps = newCaps(limits, terms{keep: keep, burst: s.burst, shares: 1})
	s.all, s.limits, s.keep = append(s.all, added), append(s.limits, limits), append(s.keep, keep)
	return added
}

// addRules makes the rules with their scopes.
func (l *Limiter) addRules(set *Settings) *scopes {
	s := &scopes{burst: set.Config.Burst}
	keepIf := func(randomToo bool) float64 {
		if randomToo {
			return set.Config.ReserveRandom
		}
		return 0
	}
	randomAnywhere := false
	for _, judge := range set.Judges {
		randomAnywhere = randomAnywhere || hasRandom(judge.Rules)
	}
	all := s.add(ScopeAll, "all", set.Config.Limits, keepIf(randomAnywhere))
	for _, judge := range set.Judges {
		name := "/" + url.PathEscape(judge.Name)
		ofJudge := s.add(ScopeJudge, "judge"+name, judge.Limits, keepIf(hasRandom(judge.Rules)))
		for _, settings := range judge.Rules {
			rule := &Rule{limiter: l, name: ruleName{judge.Name, settings.Name}}
			if settings.Triggered {
				rule.stratum = triggered
			}
			key := "rule" + name + "/" + url.PathEscape(settings.Name)
			ofRule := s.add(ScopeRule, key, settings.Limits, keepIf(!settings.Triggered))
			for _, scope := range []*scope{ofRule, ofJudge, all} {
				if scope != nil {
					rule.scopes = append(rule.scopes, scope)
				}
			}
			l.rules[rule.name] = rule
		}
	}
	return s
}

func hasRandom(rules []RuleSettings) bool {
	for _, rule := range rules {
		if !rule.Triggered {
			return true
		}
	}
	return false
}

// Rule is what the named rule of a judge may spend; nil if there is none.
func (l *Limiter) Rule(judge, rule string) *Rule { return l.rules[ruleName{judge, rule}] }

// Close closes the connections to Redis. What is settled afterwards counts as it was reserved.
func (l *Limiter) Close() error { return l.ledger.close() }

// ticks is this replica's time, which nobody sets.
func (l *Limiter) ticks() int64 { return int64(l.now().Sub(l.began)) }

// Rule bounds the calls that are made for the subjects of one rule of one judge.
type Rule struct {
	limiter *Limiter
	name    ruleName
	stratum stratum
	// scopes are those that have limits, the narrowest first.
	scopes []*scope
}

// Fits says whether a call with this need can be made at all: an error names the limit that it is always above.
func (r *Rule) Fits(need Need) error {
	asked := newAmount(need.Tokens, need.USD)
	var errs []error
	for _, s := range r.scopes {
		for _, period := range []struct {
			name string
			most *tally
		}{{"a day", &s.caps.day}, {"an hour, a 12th of it unless `burst` is true", &s.caps.hour}} {
			most := (&tally{}).left(r.stratum, period.most)
			if key := most.short(asked); key != "" {
				errs = append(errs, s.tooSmall(r, key, asked, most, period.name))
				break
			}
		}
		if s.caps.calls[r.stratum] < 1 {
			errs = append(errs, fmt.Errorf("`%s` of %s leaves none for rule %q, after `reserve_random`", keyCalls, s.owner(r), r.name.rule))
		}
	}
	return errors.Join(errs...)
}

func (s *scope) tooSmall(r *Rule, key string, asked, most amount, period string) error {
	need, left := strconv.FormatInt(asked.tokens, 10), strconv.FormatInt(most.tokens, 10)
	if key == keyUSD {
		need, left = fmt.Sprintf("%g USD", float64(asked.nano)/1e9), fmt.Sprintf("%g", float64(most.nano)/1e9)
	}
	return fmt.Errorf("`%s` of %s is too small for a single call of rule %q, which may need %s: its stratum has %s %s",
		key, s.owner(r), r.name.rule, need, left, period)
}

func (s *scope) owner(r *Rule) string {
	switch s.kind {
	case ScopeRule:
		return fmt.Sprintf("the rule of judge %q", r.name.judge)
	case ScopeJudge:
		return fmt.Sprintf("judge %q", r.name.judge)
	default:
		return "all judges"
	}
}
