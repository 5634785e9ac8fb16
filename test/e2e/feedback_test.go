//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answered is what an endpoint said.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// ask makes one request as any program would.
func ask(ctx context.Context, method, url string, body any) (answered, error) {
	return askAs(ctx, "", method, url, body)
}

// askAs makes one request with credentials, unless they are empty.
func askAs(ctx context.Context, authorization, method, url string, body any) (answered, error) {
	var payload io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answered{}, err
		}
		payload = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, payload)
	if err != nil {
		return answered{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answered{status: response.StatusCode, header: response.Header, body: text}, err
}

// thumb is one person's feedback, under an id of its own, so that a repeat is no second one.
func thumb(id string, up bool) map[string]any {
	return map[string]any{"assessment": map[string]any{
		"assessment_id": id, "assessment_name": "thumbs", "feedback": map[string]any{"value": up},
		"source": map[string]string{"source_type": "HUMAN", "source_id": "somebody@example.com"},
	}}
}

func assessments(url string, e exchange) string {
	return url + "/api/3.0/mlflow/traces/" + e.mlflowID() + "/assessments"
}

// givers let people give feedback until they are stopped, each thumb until it is acknowledged.
type givers struct {
	s    *stack
	stop context.CancelFunc
	done sync.WaitGroup

	mu sync.Mutex
	// acknowledged are the traces by assessment id.
	acknowledged map[string]exchange
}

func (s *stack) givers(url string, exchanges []exchange) *givers {
	ctx, stop := context.WithCancel(s.t.Context())
	g := &givers{s: s, stop: stop, acknowledged: map[string]exchange{}}
	for giver := range 4 {
		g.done.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				e := exchanges[(4*i+giver)%len(exchanges)]
				id := fmt.Sprintf("a-%s-%d-%d", e.trace.String()[:8], giver, i)
				for ctx.Err() == nil && !g.give(ctx, url, e, id) {
					s.pass(100 * time.Millisecond)
				}
				s.pass(200 * time.Millisecond)
			}
		})
	}
	s.t.Cleanup(func() { stop(); g.done.Wait() })
	return g
}

// give tries once. That the id is taken says that an earlier try, whose answer was lost, did it.
func (g *givers) give(ctx context.Context, url string, e exchange, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	a, err := ask(ctx, http.MethodPost, assessments(url, e), thumb(id, true))
	if err != nil || a.status != http.StatusOK && !bytes.Contains(a.body, []byte("constraint violation")) {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acknowledged[id] = e
	return true
}

func (g *givers) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.acknowledged)
}

// end stops them and waits until MLflow has each acknowledged thumb once, and no other.
func (g *givers) end(within time.Duration) {
	g.s.t.Helper()
	g.stop()
	g.done.Wait()
	g.s.eventually(within, func(ctx context.Context) error {
		all, err := g.s.rows(ctx)
		if err != nil {
			return err
		}
		found := map[string]int{}
		for _, rows := range all {
			for _, r := range rows {
				if r.Name == "thumbs" {
					found[r.ID]++
				}
			}
		}
		missing := 0
		for id := range g.acknowledged {
			if found[id] == 0 {
				missing++
			}
			if found[id] > 1 {
				return fmt.Errorf("%s is there %d times", id, found[id])
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d are missing in MLflow", missing, len(g.acknowledged))
		}
		// What was under way when they were stopped may have been taken without an answer.
		if extra := len(found) - len(g.acknowledged); extra > 4 {
			return fmt.Errorf("%d that nobody gave", extra)
		}
		return nil
	})
}

// TestFeedbackWhileMLflowIsKilled kills MLflow for 30 s while people give feedback: all calls about assessments go on,
// of traces that nobody has seen too; everything else says at once that MLflow is not there.
func TestFeedbackWhileMLflowIsKilled(t *testing.T) {
	s := newStack(t)
	exchanges := newExchanges(40, generatedAnswer)
	c := s.collector("collector", nil, "config/feedback-api.yaml")
	s.send(c, 20, exchanges)
	s.eachOnce(exchanges, time.Minute, "has_disclaimer")

	givers := s.givers(c.feedback, exchanges)
	s.eventually(time.Minute, func(context.Context) error {
		if n := givers.count(); n < 50 {
			return fmt.Errorf("%d acknowledged", n)
		}
		return nil
	})
	tracking.Kill()
	before := givers.count()
	a, err := ask(t.Context(), http.MethodGet, c.feedback+"/api/2.0/mlflow/experiments/get?experiment_id=0", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Contains(t, string(a.body), `"error_code"`)

	late := newExchange("Will it come?", "It is on its way.")
	a, err = ask(t.Context(), http.MethodPost, assessments(c.feedback, late), thumb("a-late", false))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, a.status, string(a.body))
	a, err = ask(t.Context(), http.MethodGet, assessments(c.feedback, late)+"/a-unknown", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, a.status, "never a false 404")

	s.pass(30 * time.Second)
	require.Greater(t, givers.count(), before+50, "acknowledged without MLflow")
	require.NoError(t, tracking.Restart(context.WithoutCancel(t.Context())))
	require.NoError(t, s.mlflowSender().Traces(t.Context(), spans(late)))
	givers.acknowledge("a-late", late)
	givers.end(3 * time.Minute)
}

func (g *givers) acknowledge(id string, e exchange) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acknowledged[id] = e
}
