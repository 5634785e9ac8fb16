package access

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

func refusalOf(t *testing.T, err error) *answer.Error {
	t.Helper()
	var refusal *answer.Error
	require.ErrorAs(t, err, &refusal)
	assert.NotContains(t, refusal.Error(), "Basic ")
	return refusal
}

func does(act mlflow.Act) func(*Caller) { return func(c *Caller) { c.Change = act } }

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, user, trace, code string
		status                  int
	}{
		{"no credentials", "", traceA, answer.CodeUnauthenticated, 401},
		{"wrong password", "Basic wrong", traceA, answer.CodeUnauthenticated, 401},
		{"no rights", "Basic none", traceA, answer.CodePermissionDenied, 403},
		{"another experiment", "Basic read", traceB, answer.CodePermissionDenied, 403},
		{"unknown trace", "Basic read", traceC, answer.CodePermissionDenied, 403},
		{"unknown trace, MLflow's admin", "Basic root", traceC, answer.CodeDoesNotExist, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.rights["Basic read 1"] = "gr"
			for range 2 { // the second from memory
				refusal := refusalOf(t, b.Check(b.as(tt.user), tt.trace, false))
				assert.Equal(t, tt.code, refusal.Code)
				assert.Equal(t, tt.status, refusal.Status)
				if tt.status == http.StatusUnauthorized {
					assert.Equal(t, `Basic realm="mlflow"`, refusal.Challenge)
				}
			}
			assert.Len(t, b.questions(), 1)
			b.clock.pass(refusalFresh)
			require.Error(t, b.Check(b.as(tt.user), tt.trace, false))
			assert.Len(t, b.questions(), 1)
		})
	}
}

func TestCheckActs(t *testing.T) {
	t.Parallel()
	all := []struct {
		letter string
		write  bool
		act    mlflow.Act
	}{
		{"r", false, mlflow.ActCreate},
		{"c", true, mlflow.ActCreate},
		{"u", true, mlflow.ActUpdate},
		{"d", true, mlflow.ActDelete},
		{"u", true, mlflow.ActRead}, // a change of no known kind
	}
	for rights, allowed := range map[string]string{"": "", "g": "", "gr": "r", "grcud": "rcud", "gru": "ru", "grc": "rc"} {
		b := newBench(t, nil)
		b.rights["Basic x 1"] = rights
		for _, try := range all {
			err := b.Check(b.as("Basic x", does(try.act)), traceA, try.write)
			assert.Equal(t, strings.Contains(allowed, try.letter), err == nil, "%s of %s", try.letter, rights)
			if err != nil {
				assert.Equal(t, 403, refusalOf(t, err).Status)
			}
		}
	}
}

func TestGrantsAreRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.rights["Basic edit 1"], b.rights["Basic read 1"] = "grcud", "gr"
	create := b.as("Basic edit", does(mlflow.ActCreate))

	require.NoError(t, b.Check(create, traceA, true))
	assert.Equal(t, []string{"Basic edit g " + traceA, "Basic edit c " + traceA}, b.questions())
	require.NoError(t, b.Check(create, traceA, true))
	assert.Empty(t, b.questions())
	require.NoError(t, b.Check(create, traceA2, true))
	assert.Equal(t, []string{"Basic edit g " + traceA2}, b.questions(), "a grant is about the experiment")
	require.NoError(t, b.Check(create, traceA, false))
	assert.Equal(t, []string{"Basic edit r " + traceA}, b.questions(), "another act")
	require.Error(t, b.Check(b.as("Basic read", does(mlflow.ActCreate)), traceA, true))
	assert.Equal(t, []string{"Basic read c " + traceA}, b.questions(), "another caller, but the trace's experiment is known")
	require.Error(t, b.Check(b.as("", does(mlflow.ActCreate)), traceA, true))
	b.questions()
	workspace := b.as("Basic edit", does(mlflow.ActCreate), func(c *Caller) {
		c.Credentials["X-Mlflow-Workspace"] = []string{"w"}
	})
	require.NoError(t, b.Check(workspace, traceA, true))
	assert.Equal(t, []string{"Basic edit c " + traceA}, b.questions(), "another workspace")

	b.change(func() { b.rights["Basic edit 1"] = "" })
	b.clock.pass(grantFresh - time.Second)
	require.NoError(t, b.Check(create, traceA, true))
	b.clock.pass(time.Second)
	assert.Equal(t, 403, refusalOf(t, b.Check(create, traceA, true)).Status)
	b.change(func() { b.down = 503 })
	b.clock.pass(refusalFresh)
	assert.Equal(t, 503, refusalOf(t, b.Check(create, traceA, true)).Status, "what was taken away does not come back in an outage")
}

func TestOutage(t *testing.T) {
	t.Parallel()
	for _, status := range []int{500, 502, 429, 302} {
		b := newBench(t, nil)
		b.rights["Basic edit 1"], b.rights["Basic other 1"] = "grcud", "grcud"
		edit := b.as("Basic edit")
		require.NoError(t, b.Check(edit, traceA, true))
		b.change(func() { b.down = status })
		b.questions()

		b.clock.pass(grantFresh)
		for range 3 {
			require.NoError(t, b.Check(edit, traceA, true))
		}
		assert.Len(t, b.questions(), 2, "MLflow is not asked each time")
		for _, ctx := range []context.Context{b.as("Basic other"), b.as("Basic edit", does(mlflow.ActDelete))} {
			refusal := refusalOf(t, b.Check(ctx, traceA, true))
			assert.Equal(t, 503, refusal.Status)
			assert.Equal(t, 7*time.Second, refusal.RetryAfter)
		}
		assert.Equal(t, 503, refusalOf(t, b.Check(edit, traceA2, true)).Status, "its experiment is not known")
		b.Learn(traceA2, "1")
		require.NoError(t, b.Check(edit, traceA2, true))
		b.clock.pass(grantHolds)
		assert.Equal(t, 503, refusalOf(t, b.Check(edit, traceA, true)).Status)
		b.change(func() { b.down = 0 })
		require.NoError(t, b.Check(edit, traceA, true))
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	client, err := mlflow.NewClient(http.DefaultClient, "http://127.0.0.1:1")
	require.NoError(t, err)
	b := newBench(t, func(s *Settings) { s.Upstream = client })
	refusal := refusalOf(t, b.Check(b.as("Basic edit"), traceA, true))
	assert.Equal(t, 503, refusal.Status)
	assert.Equal(t, retryAfter, refusal.RetryAfter)
}

func TestUnknownTrace(t *testing.T) {
	t.Parallel()
	trusted, admin := func(c *Caller) { c.Trusted = true }, func(c *Caller) { c.Admin = true }
	exists, failing := map[string]bool{traceA: true, traceB: true}, false
	b := newBench(t, func(s *Settings) {
		s.Exists = func(_ context.Context, traceID string) (bool, error) {
			if failing {
				return false, errRedis
			}
			return exists[traceID], nil
		}
	})
	b.rights["Basic bot 1"] = "gr"
	for _, user := range []string{"Basic bot", "Basic root"} {
		for _, who := range []func(*Caller){trusted, admin} {
			require.NoError(t, b.Check(b.as(user, who), traceC, true))
			require.NoError(t, b.Check(b.as(user, who), traceC, false))
		}
		require.Error(t, b.Check(b.as(user), traceC, true), "anybody else")
	}
	require.NoError(t, b.Check(b.as("Basic bot", trusted), traceA, false))
	assert.Equal(t, 403, refusalOf(t, b.Check(b.as("Basic bot", trusted), traceA, true)).Status, "MLflow has the trace and says no")
	assert.Equal(t, 403, refusalOf(t, b.Check(b.as("Basic bot", admin), traceB, false)).Status)
	assert.Equal(t, 401, refusalOf(t, b.Check(b.as("Basic wrong", admin), traceC, false)).Status, "names do not replace credentials")
	failing = true
	assert.Equal(t, 503, refusalOf(t, b.Check(b.as("Basic bot", trusted), traceC, true)).Status)

	b = newBench(t, nil)
	assert.Equal(t, 403, refusalOf(t, b.Check(b.as("Basic bot", trusted), traceC, true)).Status)
}

func TestQuestionsAreAskedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.rights["Basic edit 1"] = "grcud"
	b.Learn(traceA, "1")
	b.gate, b.entered = make(chan struct{}), make(chan struct{}, 10)
	gone, leave := context.WithCancel(b.as("Basic edit"))
	var wg sync.WaitGroup
	errs := make([]error, 20)
	wg.Go(func() { errs[0] = b.Check(gone, traceA, true) })
	<-b.entered
	leave() // who asked first goes away; the others get their answer
	for i := range errs[1:] {
		wg.Go(func() { errs[i+1] = b.Check(b.as("Basic edit"), traceA, true) })
	}
	close(b.gate)
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	assert.Len(t, b.questions(), 1)
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for i := range maxKnown + 10 {
		b.Learn(strconv.Itoa(i), "1")
	}
	assert.Equal(t, maxKnown, b.Rights.places.Len())
}

func TestLearnedPlaceIsNoGrant(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.rights["Basic read 1"] = "gr"
	b.Learn(traceA, "1")
	b.Learn(traceB, "2")
	require.NoError(t, b.Check(b.as("Basic read"), traceA, false))
	assert.Equal(t, 403, refusalOf(t, b.Check(b.as("Basic read"), traceB, false)).Status)
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	admin := func(c *Caller) { c.Admin = true }
	tests := []struct {
		name          string
		authorization Authorization
		named, open   bool
		admin         func(*Caller)
		want          int
	}{
		{"named", AuthorizationMLflow, true, false, admin, 0},
		{"not in the list", AuthorizationMLflow, true, false, nil, 403},
		{"not in the list, endpoint", AuthorizationEndpoint, true, false, nil, 403},
		{"nobody has a name, MLflow's users have", AuthorizationMLflow, false, false, nil, 403},
		{"nobody has a name", AuthorizationEndpoint, false, false, nil, 0},
		{"nobody has a name, as MLflow says", AuthorizationAuto, false, true, nil, 0},
		{"nobody has a name here, as MLflow says", AuthorizationAuto, false, false, nil, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(s *Settings) { s.Authorization, s.Named = tt.authorization, tt.named })
			b.open = tt.open
			ctx := b.as("Basic x")
			if tt.admin != nil {
				ctx = b.as("Basic x", tt.admin)
			}
			err := b.Admin(ctx)
			if tt.want == 0 {
				require.NoError(t, err)
				return
			}
			assert.Equal(t, tt.want, refusalOf(t, err).Status)
		})
	}
}

func TestWithoutMLflow(t *testing.T) {
	t.Parallel()
	for _, authorization := range []Authorization{AuthorizationAuto, AuthorizationEndpoint} {
		r := NewRights(Settings{Authorization: authorization})
		require.NoError(t, r.Check(t.Context(), traceA, true))
		require.NoError(t, r.Admin(t.Context()))
		r.Doubt()
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	seen := map[[32]byte]int{}
	for i, credentials := range []Credentials{
		nil,
		{"Authorization": {}},
		{"Authorization": {""}},
		{"Authorization": {"", ""}},
		{"Authorization": {"a"}},
		{"Authorization": {"a", "b"}},
		{"Authorization": {"ab"}},
		{"Cookie": {"a"}},
		{"Authorization": {"a"}, "Cookie": {"b"}},
	} {
		key := fingerprint(credentials)
		before, taken := seen[key]
		assert.False(t, taken, "%d like %d", i, before)
		assert.Equal(t, key, fingerprint(credentials))
		seen[key] = i
	}
}
