//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/test/internal/otlp"
	"github.com/otelcol-feedback/otelcol-feedback/test/internal/process"
	"github.com/otelcol-feedback/otelcol-feedback/test/internal/servers"
	"github.com/otelcol-feedback/otelcol-feedback/test/standinllm"
)

// stack is what one test stands on: a Redis and an experiment of its own, the model, and collectors.
type stack struct {
	t          *testing.T
	dir        string
	redis      *servers.Redis
	experiment string
	model      *standinllm.Handler
	modelURL   string
}

func newStack(t *testing.T) *stack {
	t.Helper()
	dir := t.TempDir()
	server, err := servers.StartRedis(t.Context(), dir, 0)
	require.NoError(t, err)
	s := &stack{t: t, dir: dir, redis: server, experiment: newExperiment(t)}
	t.Cleanup(func() { s.redis.Kill() })
	s.model = standinllm.NewHandler(standinllm.Options{})
	model := httptest.NewServer(s.model)
	t.Cleanup(model.Close)
	s.modelURL = model.URL + "/v1"
	return s
}

// collector is a running distribution and the app's connection to it.
type collector struct {
	*servers.Collector
	otlp.Sender
	metrics string
	// feedback is the URL of the feedback extension, where the configuration has one.
	feedback string
}

// collector starts one with configuration files of config/ and settings on top. The name tells replicas apart.
func (s *stack) collector(name string, env map[string]string, config ...string) *collector {
	s.t.Helper()
	ports := make([]int, 4)
	for i := range ports {
		port, err := process.FreePort()
		require.NoError(s.t, err)
		ports[i] = port
	}
	address := process.Loopback(ports[0])
	all := map[string]string{
		"OTLP_HTTP_ENDPOINT":   address,
		"OTLP_GRPC_ENDPOINT":   process.Loopback(ports[1]),
		"FEEDBACK_ENDPOINT":    process.Loopback(ports[3]),
		"REDIS_ENDPOINT":       s.redis.Address,
		"MLFLOW_TRACKING_URI":  tracking.URL,
		"MLFLOW_EXPERIMENT_ID": s.experiment,
		"OPENAI_BASE_URL":      s.modelURL,
		"OPENAI_API_KEY":       "sk-example",
		"STORAGE_DIRECTORY":    filepath.Join(s.dir, name),
	}
	maps.Copy(all, env)
	// Readers of metrics can't be given twice, so they are only here.
	config = append(config, fmt.Sprintf(`yaml:service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: `+
		`{host: 127.0.0.1, port: %d, without_scope_info: true, without_type_suffix: true, without_units: true}}}}]}}}`, ports[2]))
	started, err := servers.StartCollector(s.t.Context(), servers.CollectorConfig{
		Binary: binary, Name: name, Config: config, Env: environ(all), Health: address, Dir: s.dir,
	})
	require.NoError(s.t, err)
	c := &collector{
		Collector: started,
		Sender:    otlp.Sender{URL: "http://" + address},
		metrics:   fmt.Sprintf("http://127.0.0.1:%d/metrics", ports[2]),
		feedback:  "http://" + all["FEEDBACK_ENDPOINT"],
	}
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("%s printed:\n%s", name, c.Output())
		}
		c.Kill()
	})
	return c
}

func environ(values map[string]string) []string {
	var env []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		env = append(env, key+"="+values[key])
	}
	return env
}

// send sends each exchange in requests of at most n.
func (s *stack) send(c *collector, n int, exchanges []exchange) {
	s.t.Helper()
	for chunk := range slices.Chunk(exchanges, n) {
		require.NoError(s.t, c.Traces(s.t.Context(), spans(chunk...)))
	}
}

// rows returns what MLflow holds of the test's experiment.
func (s *stack) rows(ctx context.Context) (map[string][]row, error) { return rows(ctx, s.experiment) }

// eachOnce waits until every exchange has exactly one assessment of each name in MLflow, and nothing else is there: no
// trace that no app sent, no assessment of another name.
func (s *stack) eachOnce(exchanges []exchange, within time.Duration, names ...string) map[string][]row {
	s.t.Helper()
	slices.Sort(names)
	var all map[string][]row
	s.eventually(within, func(ctx context.Context) error {
		var err error
		if all, err = s.rows(ctx); err != nil {
			return err
		}
		missing := 0
		for _, e := range exchanges {
			if len(all[e.mlflowID()]) < len(names) {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d traces have not all of %s", missing, len(exchanges), strings.Join(names, ", "))
		}
		return nil
	})
	require.Len(s.t, all, len(exchanges), "traces in MLflow")
	for _, e := range exchanges {
		var found []string
		for _, r := range all[e.mlflowID()] {
			found = append(found, r.Name)
		}
		slices.Sort(found)
		require.Equal(s.t, names, found, e.mlflowID())
	}
	return all
}

// eventually waits for a condition; what it lacks last is the failure's message.
func (s *stack) eventually(within time.Duration, condition func(context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), within)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := condition(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			require.FailNow(s.t, "condition not met", "after %s: %v", within, last)
		case <-tick.C:
		}
	}
}

// pass lets time go by where the time itself is what is tested, such as an outage's.
func (s *stack) pass(d time.Duration) {
	s.t.Helper()
	select {
	case <-time.After(d):
	case <-s.t.Context().Done():
	}
}

// holds says whether Redis holds at least n traces.
func (s *stack) holds(ctx context.Context, n int) error {
	client := redis.NewClient(&redis.Options{Addr: s.redis.Address, DisableIdentity: true})
	defer client.Close()
	keys, err := client.Keys(ctx, "*:trace:*").Result()
	if err == nil && len(keys) < n {
		err = fmt.Errorf("%d of %d traces in Redis", len(keys), n)
	}
	return err
}
