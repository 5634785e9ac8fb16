package limits

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// entry is what the model knows of one reservation.
type entry struct {
	at        time.Time
	judge     string
	rule      string
	triggered bool
	took      amount
	released  bool
	open      *Reservation
}

// model is the rules of this package written down once more, without any thrift: all reservations are looked at anew for
// each question.
type model struct {
	set     Settings
	zone    *time.Location
	entries []*entry
}

// limited calls do for each scope of a rule.
func (m *model) limited(judge, rule string, do func(limits Config, in func(*entry) bool, keep float64)) {
	keep := m.set.Config.ReserveRandom
	do(m.set.Config.Limits, func(*entry) bool { return true }, keep)
	for _, j := range m.set.Judges {
		if j.Name != judge {
			continue
		}
		do(j.Limits, func(e *entry) bool { return e.judge == judge }, keep)
		for _, r := range j.Rules {
			if r.Name == rule {
				do(r.Limits, func(e *entry) bool { return e.judge == judge && e.rule == rule }, 0)
			}
		}
	}
}

// sum adds up the reservations that a filter chooses.
func (m *model) sum(in func(*entry) bool) (calls int64, took amount) {
	for _, e := range m.entries {
		if in(e) {
			if took = took.plus(e.took); !e.released {
				calls++
			}
		}
	}
	return calls, took
}

// expects says whether a reservation is within all limits.
func (m *model) expects(now time.Time, judge, rule string, isTriggered bool, need amount) (reason string) {
	year, month, day := now.In(m.zone).Date()
	inDay := func(e *entry) bool {
		y, mo, d := e.at.In(m.zone).Date()
		return y == year && mo == month && d == day
	}
	inHour := func(e *entry) bool { return inDay(e) && e.at.In(m.zone).Hour() == now.In(m.zone).Hour() }
	inMinute := func(e *entry) bool { return e.at.Unix() > now.Unix()-61 }
	m.limited(judge, rule, func(limits Config, in func(*entry) bool, keep float64) {
		check := func(what string, limit float64, in func(*entry) bool, of func(calls int64, took amount) float64) {
			for _, part := range []struct {
				most float64
				in   func(*entry) bool
			}{
				{limit, in},
				{limit * (1 - keep), func(e *entry) bool { return in(e) && e.triggered }},
			} {
				if of(m.sum(part.in)) > part.most+1e-6 {
					reason = what
				}
				if !isTriggered {
					break
				}
			}
		}
		both := func(a, b func(*entry) bool) func(*entry) bool { return func(e *entry) bool { return a(e) && b(e) } }
		calls := func(calls int64, _ amount) float64 { return float64(calls + 1) }
		tokens := func(_ int64, took amount) float64 { return float64(took.tokens + need.tokens) }
		nano := func(_ int64, took amount) float64 { return float64(took.nano + need.nano) }
		if limits.CallsPerMinute > 0 {
			check("calls", float64(limits.CallsPerMinute), both(in, inMinute), calls)
		}
		if limits.TokensPerDay > 0 {
			check("tokens", float64(limits.TokensPerDay), both(in, inDay), tokens)
			if !m.set.Config.Burst {
				check("tokens", float64(limits.TokensPerDay)/12, both(in, inHour), tokens)
			}
		}
		if limits.USDPerDay > 0 {
			check("dollars", limits.USDPerDay*1e9, both(in, inDay), nano)
			if !m.set.Config.Burst {
				check("dollars", limits.USDPerDay*1e9/12, both(in, inHour), nano)
			}
		}
	})
	return reason
}

// holds checks that at no time more than the limit was reserved in any 60 s.
func (m *model) holds(t *testing.T) {
	t.Helper()
	for _, first := range m.entries {
		for _, isTriggered := range []bool{false, true} {
			m.limited(first.judge, first.rule, func(limits Config, in func(*entry) bool, keep float64) {
				if limits.CallsPerMinute == 0 {
					return
				}
				most := float64(limits.CallsPerMinute)
				if isTriggered {
					most *= 1 - keep
				}
				n, _ := m.sum(func(e *entry) bool {
					since := e.at.Sub(first.at)
					return in(e) && (e.triggered || !isTriggered) && since >= 0 && since <= time.Minute
				})
				require.LessOrEqual(t, float64(n), most+1e-6)
			})
		}
	}
}

// TestAsTheModel does random things with random limits, and expects exactly what the model does.
func TestAsTheModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		for name, start := range places {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				asTheModel(t, start(t), rand.New(rand.NewPCG(seed, 1)))
			})
		}
	}
}

func asTheModel(t *testing.T, p *place, dice *rand.Rand) {
	t.Helper()
	m := &model{}
	change := func(set *Settings) {
		set.Config.Burst = dice.IntN(2) == 0
		set.Config.ReserveRandom = float64(dice.IntN(10)) / 10
		set.Config.DayZone = []string{"UTC", "America/New_York", "Asia/Kathmandu"}[dice.IntN(3)]
		limit := func(scale int64) (limits Config) {
			if dice.IntN(3) > 0 {
				limits.CallsPerMinute = scale * dice.Int64N(6)
			}
			if dice.IntN(3) > 0 {
				limits.TokensPerDay = 12 * scale * dice.Int64N(2000)
			}
			if dice.IntN(3) > 0 {
				limits.USDPerDay = 12 * float64(scale*dice.Int64N(2000)) / 1e4
			}
			return limits
		}
		set.Config.Limits = limit(4)
		for j := range set.Judges {
			set.Judges[j].Limits = limit(3)
			for r := range set.Judges[j].Rules {
				set.Judges[j].Rules[r].Limits = limit(2)
			}
		}
		m.set = *set
	}
	replicas := []replica{p.open(t, change)}
	m.zone, _ = location(m.set.Config.DayZone)
	if p.redis != nil {
		replicas = append(replicas, p.open(t, func(set *Settings) { set.Config, set.Judges = keepRedis(set, &m.set), m.set.Judges }))
	}
	var open []*entry
	taken := 0
	steps := 600
	if p.mini != nil {
		steps = 60 // it is slow
	}
	for range steps {
		p.pass(t, time.Duration(dice.ExpFloat64()*float64([]time.Duration{time.Second, 10 * time.Second, 10 * time.Minute}[dice.IntN(3)])).Truncate(time.Millisecond))
		if len(open) > 0 && dice.IntN(2) == 0 {
			i := dice.IntN(len(open))
			e := open[i]
			open = append(open[:i], open[i+1:]...)
			if p.clock.Now().Sub(e.at) >= openFor && p.redis != nil {
				continue
			}
			switch dice.IntN(3) {
			case 0: // never settled
			case 1:
				cost := Need{Tokens: dice.Int64N(2 * (e.took.tokens + 1)), USD: float64(dice.Int64N(2*(e.took.nano+1))) / 1e9}
				require.NoError(t, e.open.Settle(t.Context(), cost.Tokens, cost.USD))
				e.took = newAmount(cost.Tokens, cost.USD)
			case 2:
				require.NoError(t, e.open.Release(t.Context()))
				e.released = p.clock.Now().Unix()-e.at.Unix() < 61
				e.took = amount{}
			}
			continue
		}
		need := Need{Tokens: dice.Int64N(300), USD: float64(dice.Int64N(30e6)) / 1e9}
		judge := m.set.Judges[dice.IntN(2)]
		rule := judge.Rules[dice.IntN(2)]
		now := p.clock.Now()
		reason := m.expects(now, judge.Name, rule.Name, rule.Triggered, newAmount(need.Tokens, need.USD))
		reservation, verdict := replicas[dice.IntN(len(replicas))].Rule(judge.Name, rule.Name).Reserve(t.Context(), need)
		require.Equal(t, reason == "", reservation != nil, "%v %v", reason, verdict)
		if reservation == nil {
			continue
		}
		taken++
		e := &entry{
			at: now, judge: judge.Name, rule: rule.Name, triggered: rule.Triggered,
			took: newAmount(need.Tokens, need.USD), open: reservation,
		}
		m.entries, open = append(m.entries, e), append(open, e)
	}
	require.Positive(t, taken)
	m.holds(t)
}

// keepRedis is another replica's configuration with the place of this one's Redis.
func keepRedis(set, other *Settings) GlobalConfig {
	config := other.Config
	config.Redis = set.Config.Redis
	return config
}
