package deliver

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// punctual is a store that does nothing for who has left.
type punctual struct{ *fakeStore }

func (p punctual) Release(ctx context.Context, backend, token string, n int, worked bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.fakeStore.Release(ctx, backend, token, n, worked)
}

// A permit is given back although the replica that had it ends at this moment.
func TestPermitOfOneThatEnds(t *testing.T) {
	t.Parallel()
	clock := newTestClock()
	gate := punctual{newFakeStore(clock)}
	a := newAdmission(&Settings{Gate: gate, Name: testBackend, MaxInFlight: 1, Lease: time.Minute, Clock: clock, Logger: zap.NewNop()})
	for _, end := range []func(context.Context, permit){
		a.unused, func(ctx context.Context, p permit) { a.leave(ctx, p, nil) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		p, err := a.enter(ctx, clock.Now().Add(time.Second))
		require.NoError(t, err)
		cancel()
		end(ctx, p)
		assert.Zero(t, gate.held)
	}
}
