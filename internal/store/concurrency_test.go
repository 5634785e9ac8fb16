package store_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// Replicas write the same traces, merge, claim and settle at once: every trace is settled after its last change, and
// no trace is ever held twice.
func TestReplicasAtOnce(t *testing.T) {
	const traces, evaluators, replicas = 40, 5, 4
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			stores := make([]*store.Store, replicas)
			for i := range stores {
				stores[i] = s.open(t, nil)
			}
			var writers, workers errgroup.Group
			for i, st := range stores {
				writers.Go(func() error {
					for e := range evaluators {
						var batch []assessment.Assessment
						for n := range traces {
							a := check(n, "c"+strconv.Itoa(e), assessment.True)
							if i%2 == 0 {
								a = failed(a)
							}
							person := opinion(n, "a-"+strconv.Itoa(i)+"-"+strconv.Itoa(e), assessment.True)
							person.Overrides = check(n, "c0", "").ID
							batch = append(batch, a, person)
						}
						if _, err := st.Put(t.Context(), batch); err != nil {
							return err
						}
					}
					return nil
				})
			}
			written := make(chan struct{})
			var lock sync.Mutex
			held, settled := map[string]string{}, map[string]int64{}
			for _, st := range stores {
				workers.Go(func() error {
					for {
						over := false
						select {
						case <-written:
							over = true
						default:
						}
						claims, err := st.Claim(t.Context(), backendName, 10, time.Hour)
						if err != nil {
							return err
						}
						if over && len(claims) == 0 {
							return nil
						}
						for _, c := range claims {
							lock.Lock()
							assert.Empty(t, held[c.TraceID], "claimed twice")
							held[c.TraceID] = c.Token
							lock.Unlock()
						}
						for _, c := range claims {
							lock.Lock()
							delete(held, c.TraceID)
							settled[c.TraceID] = max(settled[c.TraceID], c.Revision)
							ok, err := st.Settle(t.Context(), c, store.Settlement{Done: true})
							lock.Unlock()
							if err != nil {
								return err
							}
							assert.True(t, ok)
						}
					}
				})
			}
			require.NoError(t, writers.Wait())
			close(written)
			require.NoError(t, workers.Wait())

			st := stores[0]
			assert.Zero(t, backlog(t, st))
			for n := range traces {
				records := load(t, st, n)
				assert.Len(t, records, evaluators+replicas*evaluators)
				original := records[check(n, "c0", "").ID]
				assert.True(t, original.Invalid)
				assert.True(t, original.Touched)
				for e := 1; e < evaluators; e++ {
					assert.Equal(t, assessment.True, records[check(n, "c"+strconv.Itoa(e), "").ID].Value)
				}
			}
			// The last revision of each trace was seen by somebody.
			put(t, st, check(0, "last", assessment.True))
			last := claim(t, st, 1)
			require.Len(t, last, 1)
			assert.Equal(t, settled[traceID(0)]+1, last[0].Revision)
		})
	}
}
