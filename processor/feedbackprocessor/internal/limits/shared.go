package limits

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

var (
	//go:embed scripts/clock.lua
	clockSource string
	//go:embed scripts/usage.lua
	usageSource string
	//go:embed scripts/reserve.lua
	reserveSource string
	//go:embed scripts/settle.lua
	settleSource string
)

const (
	// answerTimeout bounds a call of Redis, its repetition included.
	answerTimeout = time.Second
	// openFor is how long a reservation can be settled.
	openFor = time.Hour
)

// shared counts in Redis, for all replicas.
type shared struct {
	client   redis.UniversalClient
	calendar *calendar
	now      func() time.Time
	caps     []caps
	prefix   string
	timeout  time.Duration

	reserve, settled *redis.Script
	// ahead is by how many ns Redis' clock is ahead of this replica's.
	ahead atomic.Int64
	// ids begin with what no other process has.
	name string
	last atomic.Uint64
}

var _ ledger = (*shared)(nil)

// newShared does not connect: the first call does.
func newShared(ctx context.Context, set *Settings, calendar *calendar, most []caps) (*shared, error) {
	config := set.Config.Redis.Get()
	client, err := store.NewClient(ctx, config, func(options *redis.UniversalOptions) {
		options.DialTimeout = set.timeout / 2
		options.ReadTimeout = set.timeout / 2
		options.WriteTimeout = set.timeout / 2
		options.DialerRetries = 1
		options.MaxRetries = 1 // a call that was carried out is not carried out again
	})
	if err != nil {
		return nil, err
	}
	return &shared{
		client: client, calendar: calendar, now: set.Now, caps: most,
		prefix:  "{" + config.KeyPrefix + ":limits}:",
		timeout: set.timeout,
		reserve: redis.NewScript(set.clock + usageSource + reserveSource),
		settled: redis.NewScript(usageSource + settleSource),
		name:    rand.Text(),
	}, nil
}

// errOutside says that Redis' day is none of those that were offered, twice.
var errOutside = errors.New("redis: its clock jumps from day to day")

// take implements ledger.
func (s *shared) take(ctx context.Context, r *Rule, o order) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	id := s.name + strconv.FormatUint(s.last.Add(1), 36)
	for range 2 {
		now := s.now()
		days := s.calendar.around(now.Add(time.Duration(s.ahead.Load())))
		keys, args := s.arguments(r, id, days, o)
		reply, err := s.reserve.Run(ctx, s.client, keys, args...).Slice()
		if err != nil {
			return answer{}, fmt.Errorf("redis: %w", err)
		}
		values := replied{values: reply}
		status := values.number()
		s.ahead.Store(int64(time.UnixMilli(values.number()).Sub(now)))
		if status == statusOutside {
			continue
		}
		a := s.answer(r, &values, status)
		if values.broken {
			return answer{}, errors.New("redis: the reserve script's reply has another form")
		}
		if a.ticket != nil {
			a.ticket.id, a.ticket.took, a.ticket.stratum = id, o.day, r.stratum
		}
		return a, nil
	}
	return answer{}, errOutside
}

func (s *shared) arguments(r *Rule, id string, days *days, o order) (keys []string, args []any) {
	keys = make([]string, 0, 1+len(days)+len(r.scopes))
	keys = append(keys, s.openKey(id))
	for _, day := range days[:len(days)-1] {
		keys = append(keys, s.dayKey(day))
	}
	forced := 0
	if o.forced {
		forced = 1
	}
	args = make([]any, 0, 12+11*len(r.scopes))
	args = append(args, forced, int(r.stratum)+1, o.calls, o.day.tokens, o.day.nano, o.hour.tokens, o.hour.nano, openFor.Milliseconds())
	for _, day := range days {
		args = append(args, day)
	}
	for _, scope := range r.scopes {
		keys = append(keys, s.callsKey(scope))
		most := &s.caps[scope.index]
		args = append(args, scope.key, most.calls[random], most.calls[triggered])
		for _, tally := range []*tally{&most.day, &most.hour} {
			for _, a := range tally {
				args = append(args, a.tokens, a.nano)
			}
		}
	}
	return keys, args
}

func (s *shared) openKey(id string) string     { return s.prefix + "open:" + id }
func (s *shared) dayKey(day int64) string      { return s.prefix + "day:" + strconv.FormatInt(day, 10) }
func (s *shared) callsKey(scope *scope) string { return s.prefix + "calls:" + scope.key }

// The statuses of a reply.
const (
	statusTaken = iota
	statusRefused
	statusOutside
)

// limitKeys are what the script's numbers of limits mean.
var limitKeys = [...]string{"", keyCalls, keyTokens, keyUSD}

func (s *shared) answer(r *Rule, values *replied, status int64) answer {
	var a answer
	var now moment
	now.day, now.restOfHour, now.restOfDay = values.number(), values.millis(), values.millis()
	scope, limit, wait := values.number(), values.number(), values.millis()
	switch {
	case status == statusTaken:
		a.ticket = &ticket{day: now.day}
	case scope < 1 || int(scope) > len(r.scopes) || limit < 1 || int(limit) >= len(limitKeys):
		values.broken = true
	default:
		a.refusal = refusal{scope: int(scope) - 1, key: limitKeys[limit], wait: wait}
	}
	for i, scope := range r.scopes {
		full := [strata]time.Duration{values.millis(), values.millis()}
		spent := values.budget()
		a.standings[i] = newStanding(&spent, &s.caps[scope.index], &now)
		a.standings[i].full = full
	}
	return a
}

// settle implements ledger.
func (s *shared) settle(ctx context.Context, r *Rule, t *ticket, cost amount, sent bool) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	unsent := 1
	if sent {
		unsent = 0
	}
	keys := []string{s.openKey(t.id), s.dayKey(t.day)}
	args := []any{unsent, cost.tokens, cost.nano}
	for _, scope := range r.scopes {
		keys, args = append(keys, s.callsKey(scope)), append(args, scope.key)
	}
	if err := s.settled.Run(ctx, s.client, keys, args...).Err(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

func (s *shared) close() error { return s.client.Close() }

// replied reads a reply value by value.
type replied struct {
	values []any
	broken bool
}

func (r *replied) next() any {
	if len(r.values) == 0 {
		r.broken = true
		return nil
	}
	value := r.values[0]
	r.values = r.values[1:]
	return value
}

func (r *replied) number() int64 {
	n, ok := r.next().(int64)
	r.broken = r.broken || !ok
	return n
}

func (r *replied) millis() time.Duration { return time.Duration(r.number()) * time.Millisecond }

// budget reads the text of a budget; that of a scope without limits of the day is empty.
func (r *replied) budget() (b budget) {
	text, ok := r.next().(string)
	if r.broken = r.broken || !ok; text == "" {
		return b
	}
	var numbers [2 * 2 * strata]int64
	fields := strings.Fields(text)
	if len(fields) != len(numbers)+1 { // the hour comes last
		r.broken = true
		return b
	}
	for i := range numbers {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		r.broken = r.broken || err != nil
		numbers[i] = n
	}
	for st := range strata {
		b.ofDay[st] = amount{numbers[2*st], numbers[2*st+1]}
		b.ofHour[st] = amount{numbers[4+2*st], numbers[4+2*st+1]}
	}
	return b
}
