package store

import (
	"hash/fnv"
	"strconv"
)

// shardCount is how many hash slots the traces are spread over. It is part of the layout in Redis.
const shardCount = 64

// subjectField of a trace's hash is what is known of the trace.
const subjectField = "subject"

// bookkeeping begins the names of the fields that are no records.
const bookkeeping = '.'

const maxIDLength = 256

// validID says whether an id can name a record's field.
func validID(id string) bool {
	return id != "" && len(id) <= maxIDLength && id != subjectField && id[0] != bookkeeping
}

func deliveryField(backend, id string) string { return ".delivery:" + backend + ":" + id }

func syncField(backend string) string { return ".sync:" + backend }

func deadField(backend string) string { return ".dead:" + backend }

// shard holds the keys of one hash slot.
type shard struct {
	tag     string
	recent  string
	pending string
	// queues are by backend, in the order of the settings.
	queues []queueKeys
	// keys are those of the scripts that write records: recent, pending, then each backend's three.
	keys []string
}

type queueKeys struct{ human, auto, dead string }

// keysOf are those of the scripts that work on one trace: its hash, its content, then the shard's.
func (s *shard) keysOf(traceID string) []string {
	return append([]string{s.trace(traceID), s.content(traceID)}, s.keys...)
}

func (s *shard) trace(id string) string { return s.tag + ":trace:" + id }

func (s *shard) content(traceID string) string { return s.tag + ":content:" + traceID }

func (s *shard) index() string { return s.tag + ":index" }

// matches is the key of the spans that have a value, feedback that of what waits for one.
func (s *shard) matches(of Digest) string { return s.index() + ":" + of.String() }

func (s *shard) feedback(of Digest) string { return s.held() + ":" + of.String() }

func (s *shard) held() string { return s.tag + ":held" }

// heldLists are those of the feedback that waits, whose span has come, and that was given up.
func (s *shard) heldLists() []string {
	return []string{s.held(), s.ready(), s.held() + ":dead"}
}

func (s *shard) ready() string { return s.held() + ":ready" }

func newShards(prefix string, backends []Backend) [shardCount]shard {
	var shards [shardCount]shard
	for i := range shards {
		tag := "{" + prefix + ":" + strconv.Itoa(i/10) + strconv.Itoa(i%10) + "}"
		s := shard{tag: tag, recent: tag + ":recent", pending: tag + ":pending"}
		s.keys = append(s.keys, s.recent, s.pending)
		for _, backend := range backends {
			q := queueKeys{
				human: tag + ":sync:" + backend.Name + ":human",
				auto:  tag + ":sync:" + backend.Name + ":auto",
				dead:  tag + ":dead:" + backend.Name,
			}
			s.queues = append(s.queues, q)
			s.keys = append(s.keys, q.human, q.auto, q.dead)
		}
		shards[i] = s
	}
	return shards
}

// shardOf picks a trace's shard. The id is hashed, because not all SDKs make ids that are random in every part.
func shardOf(traceID string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(traceID))
	return int(h.Sum32() % shardCount)
}
