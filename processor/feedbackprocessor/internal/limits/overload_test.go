package limits

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// envOverload says how long the overload lasts at least, such as 60s. Default 15s.
	envOverload = "LIMITS_OVERLOAD"
	// envOverloader makes the test's program one of the collectors; it holds their task, in JSON.
	envOverloader = "LIMITS_OVERLOADER"
)

const (
	collectors = 4
	// longest is the most tokens of a call, perToken what one costs in nanodollars.
	longest  = 1000
	perToken = 1000
)

// workers are those of each judge in each collector, by rule: a flood of triggered calls.
var workers = map[string]int{"failed": 6, "rest": 2}

// overloadLimits are of one judge each, so that each is reached for itself.
var overloadLimits = map[string]Config{
	keyCalls:  {CallsPerMinute: 1000},
	keyTokens: {TokensPerDay: 500_000},
	keyUSD:    {USDPerDay: 0.5},
}

type overloadTask struct{ Redis, Model, Zone string }

// settings are those of each collector.
func (task *overloadTask) settings() Settings {
	config := store.NewDefaultConfig()
	config.Endpoints = []string{task.Redis}
	set := Settings{Config: NewDefaultGlobalConfig(), Logger: zap.NewNop(), timeout: time.Minute}
	set.Config.Limits = Config{CallsPerMinute: 1_000_000}
	set.Config.Redis = configoptional.Some(config)
	set.Config.DayZone = task.Zone
	set.Config.Burst = true
	for key, limits := range overloadLimits {
		set.Judges = append(set.Judges, JudgeSettings{
			Name: key, Limits: limits, Rules: []RuleSettings{{Name: "failed", Triggered: true}, {Name: "rest"}},
		})
	}
	return set
}

// asked is what a collector asks the model.
type asked struct {
	Judge     string
	Triggered bool
	Tokens    int64
}

// overload is a collector with more to judge than its limits allow, until its standard input ends.
func overload() int {
	var task overloadTask
	if err := json.Unmarshal([]byte(os.Getenv(envOverloader)), &task); err != nil {
		return 2
	}
	limiter, err := New(context.Background(), task.settings())
	if err != nil {
		return 3
	}
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	var failed atomic.Bool
	for judge := range overloadLimits {
		for rule, n := range workers {
			for range n {
				group.Go(func() {
					for ctx.Err() == nil {
						if err := judgeOnce(ctx, limiter.Rule(judge, rule), &task); err != nil {
							fmt.Fprintln(os.Stderr, err)
							failed.Store(true)
						}
					}
				})
			}
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	group.Wait()
	_ = limiter.Close()
	if failed.Load() {
		return 4
	}
	return 0
}

// judgeOnce does what the processor does with one subject.
func judgeOnce(ctx context.Context, rule *Rule, task *overloadTask) error {
	need := Need{Tokens: longest, USD: longest * perToken / 1e9}
	verdict := rule.Admit(need)
	var reservation *Reservation
	if verdict.Outcome == Admitted {
		reservation, verdict = rule.Reserve(ctx, need)
	}
	switch verdict.Outcome {
	case Admitted:
	case Unavailable:
		if ctx.Err() == nil {
			return verdict.Err
		}
		return nil
	default:
		select {
		case <-time.After(min(verdict.Wait, 5*time.Millisecond)):
		case <-ctx.Done():
		}
		return nil
	}
	tokens := 1 + rand.Int64N(longest)
	if tokens%10 == 0 { // it never gets so far
		return reservation.Release(ctx)
	}
	question, err := json.Marshal(asked{Judge: rule.name.judge, Triggered: rule.stratum == triggered, Tokens: tokens})
	if err != nil {
		return err
	}
	// A call that is under way at stop ends before the collector does.
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, task.Model, bytes.NewReader(question))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return reservation.Settle(ctx, tokens, float64(tokens*perToken)/1e9)
}

// meter is a language model that counts what it is asked.
type meter struct {
	mu    sync.Mutex
	calls map[string][]time.Time
	spent map[string]tally
	asked map[string][strata]int64
}

func (m *meter) ServeHTTP(_ http.ResponseWriter, request *http.Request) {
	var question asked
	if err := json.NewDecoder(request.Body).Decode(&question); err != nil {
		return
	}
	<-time.After(time.Duration(rand.Int64N(int64(5 * time.Millisecond))))
	m.mu.Lock()
	defer m.mu.Unlock()
	st := random
	if question.Triggered {
		st = triggered
	}
	spent, calls := m.spent[question.Judge], m.asked[question.Judge]
	spent.add(st, amount{question.Tokens, question.Tokens * perToken})
	calls[random]++
	if question.Triggered {
		calls[triggered]++
	}
	m.spent[question.Judge], m.asked[question.Judge] = spent, calls
	m.calls[question.Judge] = append(m.calls[question.Judge], time.Now())
}

// used are the shares of the limits that were used, by key, of all calls and of the triggered ones.
func (m *meter) used() map[string][strata]float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := map[string][strata]float64{}
	for key, limits := range overloadLimits {
		var shares [strata]float64
		for st := range strata {
			switch key {
			case keyCalls:
				shares[st] = float64(m.asked[key][st]) / float64(limits.CallsPerMinute)
			case keyTokens:
				shares[st] = float64(m.spent[key][st].tokens) / float64(limits.TokensPerDay)
			default:
				shares[st] = float64(m.spent[key][st].nano) / (limits.USDPerDay * 1e9)
			}
		}
		used[key] = shares
	}
	return used
}

func (m *meter) all(share float64) bool {
	for _, used := range m.used() {
		if used[random] < share {
			return false
		}
	}
	return true
}

// TestOverload lets four collectors, of which one is killed and replaced half way, share one Redis: what arrives at the
// model is never above a limit, but for the calls in flight where a minute's edge is, and reaches 95 % of each.
func TestOverload(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes a while")
	}
	lasts := 15 * time.Second
	if text := os.Getenv(envOverload); text != "" {
		var err error
		lasts, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	model := &meter{calls: map[string][]time.Time{}, spent: map[string]tally{}, asked: map[string][strata]int64{}}
	server := httptest.NewServer(model)
	t.Cleanup(server.Close)
	task := overloadTask{Redis: startRedis(t), Model: server.URL, Zone: "UTC"}
	if hour := time.Now().UTC().Hour(); hour < 1 || hour > 22 {
		task.Zone = "Asia/Tokyo" // no midnight may come between
	}
	began := time.Now()
	var running []*collector
	for range collectors {
		running = append(running, startCollector(t, &task))
	}
	const patience = 5 * time.Minute
	require.Eventually(t, func() bool { return model.used()[keyTokens][random] >= 0.5 }, patience, time.Millisecond)
	running[0].kill(t)
	running[0] = startCollector(t, &task)
	require.Eventually(t, func() bool { return time.Since(began) >= lasts && model.all(0.95) }, patience, 10*time.Millisecond)
	for _, collector := range running {
		collector.stop(t)
	}
	used := model.used()
	for key, shares := range used {
		t.Logf("%s: %.2f %% of the limit used, %.2f %% by triggered calls", key, 100*shares[random], 100*shares[triggered])
		if key != keyCalls {
			assert.LessOrEqual(t, shares[random], 1.0, key)
			assert.LessOrEqual(t, shares[triggered], 0.7, key)
		}
	}
	inFlight := (collectors + 1) * (workers["failed"] + workers["rest"])
	most := mostWithin(time.Minute, model.calls[keyCalls])
	t.Logf("calls_per_minute: %d of %d within 60 s", most, overloadLimits[keyCalls].CallsPerMinute)
	assert.LessOrEqual(t, most, int(overloadLimits[keyCalls].CallsPerMinute)+inFlight)
	assert.GreaterOrEqual(t, most, int(overloadLimits[keyCalls].CallsPerMinute)*95/100)
}

// mostWithin is the largest number of times that lie within a window.
func mostWithin(window time.Duration, times []time.Time) (most int) {
	slices.SortFunc(times, time.Time.Compare)
	first := 0
	for i, at := range times {
		for at.Sub(times[first]) > window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// collector is a process.
type collector struct {
	command *exec.Cmd
	stdin   io.Closer
	ended   bool
}

func startCollector(t *testing.T, task *overloadTask) *collector {
	t.Helper()
	text, err := json.Marshal(task)
	require.NoError(t, err)
	command := exec.CommandContext(context.Background(), os.Args[0])
	command.Env = append(os.Environ(), envOverloader+"="+string(text))
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	c := &collector{command: command, stdin: stdin}
	t.Cleanup(func() {
		if !c.ended {
			c.kill(t)
		}
	})
	return c
}

// kill is kill -9.
func (c *collector) kill(t *testing.T) {
	t.Helper()
	c.ended = true
	require.NoError(t, c.command.Process.Kill())
	require.Error(t, c.command.Wait())
}

// stop lets it end what is in flight.
func (c *collector) stop(t *testing.T) {
	t.Helper()
	c.ended = true
	require.NoError(t, c.stdin.Close())
	require.NoError(t, c.command.Wait())
}
