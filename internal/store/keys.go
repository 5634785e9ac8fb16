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

func deadField(backend string) string { return ".dead:" + backend }

// shard holds the keys of one hash slot.
type shard struct {
	tag    string
	recent string
	// queues are by backend, in the order of the settings.
	queues []queueKeys
	// keys are those of the scripts that write records: recent, then each backend's three.
	keys []string
}

type queueKeys struct{ human, auto, dead string }

func (s *shard) trace(id string) string { return s.tag + ":trace:" + id }

func (s *shard) content(traceID string) string { return s.tag + ":content:" + traceID }

func (s *shard) index() string { return s.tag + ":index" }

func (s *shard) held() string { return s.tag + ":held" }

func newShards(prefix string, backends []Backend) [shardCount]shard {
	var shards [shardCount]shard
	for i := range shards {
		tag := "{" + prefix + ":" + strconv.Itoa(i/10) + strconv.Itoa(i%10) + "}"
		s := shard{tag: tag, recent: tag + ":recent"}
		s.keys = append(s.keys, s.recent)
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
