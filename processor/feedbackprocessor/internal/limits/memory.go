package limits

import (
	"context"
	"sync"
	"time"
)

// memory counts in this process, and forgets when it ends.
type memory struct {
	calendar *calendar
	now      func() time.Time
	began    time.Time
	// caps are by the scopes' indices, as usage is.
	caps []caps

	mu    sync.Mutex
	usage []usage
}

var _ ledger = (*memory)(nil)

func newMemory(calendar *calendar, now func() time.Time, most []caps) *memory {
	began := now()
	began = began.Add(-time.Duration(began.Nanosecond())) // a whole second
	return &memory{calendar: calendar, now: now, began: began, caps: most, usage: make([]usage, len(most))}
}

// moment is now. Seconds are counted by the monotonic clock, which nobody sets.
func (m *memory) moment() moment {
	now := m.now()
	elapsed := now.Sub(m.began)
	days := m.calendar.around(now)
	day, next := days[1], days[2]
	hour := (now.Unix() - day) / 3600
	return moment{
		second:       windowSeconds + int64(elapsed/time.Second),
		restOfSecond: time.Second - elapsed%time.Second,
		day:          day,
		hour:         hour,
		restOfHour:   time.Unix(min(day+(hour+1)*3600, next), 0).Sub(now),
		restOfDay:    time.Unix(next, 0).Sub(now),
	}
}

// take implements ledger.
func (m *memory) take(_ context.Context, r *Rule, o order) (answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.moment()
	for _, s := range r.scopes {
		m.usage[s.index].advance(&now)
	}
	var a answer
	if !o.forced {
		a.refusal = m.refuses(r, &o, &now)
	}
	if a.refusal.key == "" {
		for _, s := range r.scopes {
			m.usage[s.index].take(r.stratum, &o, now.second)
		}
		a.ticket = &ticket{stratum: r.stratum, took: o.day, second: now.second, day: now.day, hour: now.hour}
	}
	for i, s := range r.scopes {
		u, most := &m.usage[s.index], &m.caps[s.index]
		a.standings[i] = newStanding(&u.budget, most, &now)
		for st := range strata {
			a.standings[i].full[st] = now.in(u.full(st, &most.calls))
		}
	}
	return a, nil
}

// refuses says which scope has no room. Budgets come first: they are not back so soon.
func (m *memory) refuses(r *Rule, o *order, now *moment) refusal {
	for i, s := range r.scopes {
		if key, day := m.usage[s.index].fits(r.stratum, o.day, &m.caps[s.index]); day {
			return refusal{scope: i, key: key, wait: now.restOfDay}
		} else if key != "" {
			return refusal{scope: i, key: key, wait: now.restOfHour}
		}
	}
	for i, s := range r.scopes {
		if in := m.usage[s.index].full(r.stratum, &m.caps[s.index].calls); in > 0 {
			return refusal{scope: i, key: keyCalls, wait: now.in(in)}
		}
	}
	return refusal{}
}

// in is how long it is until so many seconds have begun after this one.
func (m *moment) in(seconds int64) time.Duration {
	if seconds == 0 {
		return 0
	}
	return m.restOfSecond + time.Duration(seconds-1)*time.Second
}

func (u *usage) take(st stratum, o *order, second int64) {
	u.add(st, second, o.calls)
	u.ofDay.add(st, o.day)
	u.ofHour.add(st, o.hour)
}

// settle implements ledger.
func (m *memory) settle(_ context.Context, r *Rule, t *ticket, cost amount, sent bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.moment()
	for _, s := range r.scopes {
		u := &m.usage[s.index]
		u.advance(&now)
		u.settle(t, cost, sent)
	}
	return nil
}

func (u *usage) settle(t *ticket, cost amount, sent bool) {
	more := cost.minus(t.took)
	if u.day == t.day {
		u.ofDay.add(t.stratum, more)
		if u.hour == t.hour {
			u.ofHour.add(t.stratum, more)
		}
	}
	if !sent {
		u.add(t.stratum, t.second, -1)
	}
}

func (*memory) close() error { return nil }
