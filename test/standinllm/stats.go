package standinllm

import (
	"maps"
	"sync"
)

// maxContents bounds the contents that are counted one by one.
const maxContents = 200_000

// Stats counts the calls of a model.
type Stats struct {
	// Calls are the requests that arrived; Answered those that got an answer, whatever it was worth.
	Calls    int64 `json:"calls"`
	Answered int64 `json:"answered"`
	// InFlight are the calls under way, MaxInFlight the most there were at once.
	InFlight    int64 `json:"in_flight"`
	MaxInFlight int64 `json:"max_in_flight"`
	// InputTokens and OutputTokens are those of the answers, cached and reasoning ones included.
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	// ByModel is by the model's name in the request; ByContent by ContentHash of what was judged.
	ByModel   map[string]Counts `json:"by_model"`
	ByContent map[string]Counts `json:"by_content"`
}

// Counts are the calls with one model or one content.
type Counts struct {
	Calls        int64 `json:"calls"`
	Answered     int64 `json:"answered"`
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

// newStats makes stats with maps that are there, so that their JSON is an object from the start.
func newStats() *stats {
	return &stats{counts: Stats{ByModel: map[string]Counts{}, ByContent: map[string]Counts{}}}
}

type stats struct {
	mu     sync.Mutex
	counts Stats
}

// call is one request being counted.
type call struct {
	stats       *stats
	model, hash string
	// number counts all calls, nth those with the same content, nthOfModel those of the same model.
	number, nth, nthOfModel int64
	done                    bool
}

func (s *stats) begin(model, hash string) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Calls++
	s.counts.InFlight++
	s.counts.MaxInFlight = max(s.counts.MaxInFlight, s.counts.InFlight)
	c := &call{stats: s, model: model, hash: hash, number: s.counts.Calls}
	c.add(Counts{Calls: 1})
	c.nth, c.nthOfModel = s.counts.ByContent[hash].Calls, s.counts.ByModel[model].Calls
	return c
}

// answered counts the call as answered, once, with the tokens that it took.
func (c *call) answered(input, output int64) {
	c.stats.mu.Lock()
	defer c.stats.mu.Unlock()
	if c.done {
		return
	}
	c.done = true
	c.stats.counts.Answered++
	c.stats.counts.InputTokens += input
	c.stats.counts.OutputTokens += output
	c.add(Counts{Answered: 1, InputTokens: input, OutputTokens: output})
}

func (c *call) end() {
	c.stats.mu.Lock()
	defer c.stats.mu.Unlock()
	c.stats.counts.InFlight = max(c.stats.counts.InFlight-1, 0)
}

// add adds to the counts of the call's model and content; the lock is held.
func (c *call) add(n Counts) {
	for _, counted := range []struct {
		by  map[string]Counts
		key string
	}{{c.stats.counts.ByModel, c.model}, {c.stats.counts.ByContent, c.hash}} {
		before, known := counted.by[counted.key]
		if known || len(counted.by) < maxContents {
			counted.by[counted.key] = Counts{
				Calls: before.Calls + n.Calls, Answered: before.Answered + n.Answered,
				InputTokens: before.InputTokens + n.InputTokens, OutputTokens: before.OutputTokens + n.OutputTokens,
			}
		}
	}
}

func (s *stats) snapshot() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := s.counts
	counts.ByModel, counts.ByContent = maps.Clone(counts.ByModel), maps.Clone(counts.ByContent)
	return counts
}

func (s *stats) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts = Stats{InFlight: s.counts.InFlight, ByModel: map[string]Counts{}, ByContent: map[string]Counts{}}
}
