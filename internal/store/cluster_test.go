package store_test

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// cluster is a Redis Cluster without replicas.
type cluster struct {
	nodes   []string
	clients []*redis.Client
}

func startCluster(t *testing.T, size int) *cluster {
	t.Helper()
	c := &cluster{}
	for range size {
		addr := startRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000")
		c.nodes = append(c.nodes, addr)
		c.clients = append(c.clients, newServer(t, addr).client)
	}
	host, port, err := net.SplitHostPort(c.nodes[0])
	require.NoError(t, err)
	for i, client := range c.clients {
		require.NoError(t, client.ClusterAddSlotsRange(t.Context(), i*16384/size, (i+1)*16384/size-1).Err())
		require.NoError(t, client.ClusterMeet(t.Context(), host, port).Err())
	}
	known := "cluster_known_nodes:" + strconv.Itoa(size)
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(c.clients, func(client *redis.Client) bool {
			info, err := client.ClusterInfo(t.Context()).Result()
			return err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, known)
		})
	}, 60*time.Second, 20*time.Millisecond)
	return c
}

func (c *cluster) open(t *testing.T, wait int) *store.Store {
	t.Helper()
	return (&server{addr: c.nodes[0]}).open(t, func(cfg *store.Config, _ *store.Settings) {
		cfg.Mode, cfg.Endpoints, cfg.WaitReplicas = store.ModeCluster, c.nodes, wait
	})
}

func TestCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3)
	roundTrip(t, c.open(t, 0))
	peoplesRoundTrip(t, c.open(t, 0))
	for _, client := range c.clients {
		keys := client.Keys(t.Context(), "*:trace:*").Val()
		assert.NotEmpty(t, keys)
		for _, key := range keys {
			assert.True(t, strings.HasPrefix(key, "{fb:"), key)
		}
	}
	_, err := c.open(t, 1).Put(t.Context(), []assessment.Assessment{check(1000, "c", assessment.True)})
	require.ErrorContains(t, err, "`wait_replicas` is 1")
}

// oneShard is that of the traces of ofOneShard.
const oneShard = "{fb:07}"

// migration is a slot that moves from one node to another.
type migration struct {
	cluster  *cluster
	from, to int
	slot     int64
}

// migrate begins to move the slot of oneShard.
func (c *cluster) migrate(t *testing.T) *migration {
	t.Helper()
	m := &migration{cluster: c, slot: c.clients[0].ClusterKeySlot(t.Context(), oneShard).Val()}
	if m.slot >= 16384/2 {
		m.from = 1
	}
	m.to = 1 - m.from
	m.set(t, m.to, "IMPORTING", c.id(t, m.from))
	m.set(t, m.from, "MIGRATING", c.id(t, m.to))
	return m
}

func (c *cluster) id(t *testing.T, node int) string {
	t.Helper()
	id, err := c.clients[node].Do(t.Context(), "CLUSTER", "MYID").Text()
	require.NoError(t, err)
	return id
}

func (m *migration) set(t *testing.T, node int, state ...any) {
	t.Helper()
	require.NoError(t, m.cluster.clients[node].Do(t.Context(), append([]any{"CLUSTER", "SETSLOT", m.slot}, state...)...).Err())
}

// move moves the keys that are named so, or have one of the parts in their names if it is only a part.
func (m *migration) move(t *testing.T, parts ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(m.cluster.nodes[m.to])
	require.NoError(t, err)
	from := m.cluster.clients[m.from]
	for _, key := range from.Keys(t.Context(), oneShard+"*").Val() {
		if slices.ContainsFunc(parts, func(part string) bool {
			return part == key || !strings.HasPrefix(part, oneShard) && strings.Contains(key, part)
		}) {
			require.NoError(t, from.Do(t.Context(), "MIGRATE", host, port, key, 0, 5000).Err(), key)
		}
	}
}

// end moves what is left.
func (m *migration) end(t *testing.T) {
	t.Helper()
	m.move(t, ":")
	for _, node := range []int{m.to, m.from} {
		m.set(t, node, "NODE", m.cluster.id(t, m.to))
	}
}

// Nothing is stored in part while a slot moves: what is refused is told again later, and is delivered then.
func TestPutWhileASlotMoves(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		moved []string
	}{
		{name: "nothing has moved"},
		{name: "the lists have moved", moved: []string{":sync:", ":recent"}},
		{name: "the trace has moved", moved: []string{":trace:"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, 2)
			st := c.open(t, 0)
			numbers := ofOneShard(3)
			n := numbers[0]
			put(t, st, check(n, "c", assessment.True), check(numbers[1], "c", assessment.True))
			for _, one := range claim(t, st, 10) {
				settle(t, st, one, store.Settlement{Done: one.TraceID == traceID(n), RetryAfter: time.Hour})
			}
			m := c.migrate(t)
			m.move(t, tt.moved...)
			batch := []assessment.Assessment{
				check(n, "d", assessment.True), opinion(n, "a-1", assessment.True), check(numbers[2], "c", assessment.True),
			}
			_, err := st.Put(t.Context(), batch)
			require.Error(t, err)
			require.Error(t, edited(t, st, n, false, given(n, "a-2")))
			m.end(t)
			assert.Len(t, load(t, st, n), 1)
			put(t, st, batch...)
			require.NoError(t, edited(t, st, n, false, given(n, "a-2")))
			assert.Len(t, load(t, st, n), 4)
			ids := []string{}
			for _, one := range claim(t, st, 10) {
				ids = append(ids, one.TraceID)
			}
			assert.ElementsMatch(t, []string{traceID(n), traceID(numbers[2])}, ids)
		})
	}
}

// A claim does not lose traces whose hashes have not come yet, and a shard that moves keeps no other one waiting.
func TestClaimWhileASlotMoves(t *testing.T) {
	t.Parallel()
	for _, moved := range []string{":sync:", ":auto", ":trace:"} {
		t.Run(moved, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, 2)
			st := c.open(t, 0)
			numbers := ofOneShard(4)
			for _, n := range numbers {
				put(t, st, check(n, "c", assessment.True))
			}
			put(t, st, opinion(numbers[0], "a-1", assessment.True))
			elsewhere := slices.IndexFunc([]int{0, 1, 2, 3}, func(n int) bool { return !slices.Contains(numbers, n) })
			put(t, st, check(elsewhere, "c", assessment.True))

			m := c.migrate(t)
			m.move(t, moved)
			claims, err := st.Claim(t.Context(), backendName, 50, time.Millisecond)
			require.NoError(t, err)
			require.Len(t, claims, 1)
			assert.Equal(t, traceID(elsewhere), claims[0].TraceID)
			m.end(t)
			assert.Equal(t, len(numbers)+1, backlog(t, st))
			newServer(t, c.nodes[0]).pass(t, 5*time.Millisecond)
			assert.Len(t, claim(t, st, 50), len(numbers)+1)
		})
	}
}

// A sweep does not lose feedback whose value has not come yet.
func TestSweepWhileASlotMoves(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		moved []string
	}{
		{name: "the lists have moved", moved: []string{oneShard + ":held", oneShard + ":held:ready", oneShard + ":held:dead"}},
		{name: "one list has moved", moved: []string{oneShard + ":held:ready"}},
		{name: "the index has moved", moved: []string{":index:"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, 2)
			st := c.open(t, 0)
			var ofShard []store.Digest
			for i := 0; len(ofShard) < 4; i++ {
				if of := responseID(strconv.Itoa(i)); of[0]%64 == 7 {
					ofShard = append(ofShard, of)
				}
			}
			for i, of := range ofShard {
				_, err := st.Hold(t.Context(), of, held("h-"+strconv.Itoa(i)), time.Millisecond)
				require.NoError(t, err)
			}
			index(t, st, indexed(ofShard[0], 1, created))
			assert.True(t, drop(t, st, &store.Waiting{Held: held("h-3"), Digest: ofShard[3]}, "refused")) // all lists are there
			newServer(t, c.nodes[0]).pass(t, 5*time.Millisecond)

			m := c.migrate(t)
			m.move(t, tt.moved...)
			swept, _ := st.SweepHeld(t.Context(), 1000, time.Millisecond)
			assert.Empty(t, swept.Ready)
			dead := len(swept.Dead)
			m.end(t)
			newServer(t, c.nodes[0]).pass(t, 5*time.Millisecond)
			swept = sweep(t, st)
			assert.Len(t, swept.Ready, 1)
			assert.Equal(t, 2, dead+len(swept.Dead))
		})
	}
}
