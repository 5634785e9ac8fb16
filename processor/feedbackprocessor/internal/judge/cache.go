package judge

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	maxCacheSize = 1_000_000
	// maxCached bounds what is kept of one verdict, so that the number of them bounds the memory.
	maxCached = 16 << 10
)

// CacheConfig bounds the verdicts that are kept in memory, so that the same content is not judged twice.
type CacheConfig struct {
	// Window is how long a verdict is given again. Default 1h; 0 keeps none.
	Window time.Duration `mapstructure:"window"`
	// Size is how many verdicts are kept, the latest, over all judges; each is at most 16KiB. From 1 to 1000000.
	// Default 10000.
	Size int `mapstructure:"size"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*CacheConfig)(nil)

// NewDefaultCacheConfig returns the configuration of a cache of which nothing is written yet.
func NewDefaultCacheConfig() CacheConfig { return CacheConfig{Window: time.Hour, Size: 10_000} }

// Validate implements confmap.Validator.
func (c *CacheConfig) Validate() error {
	var errs []error
	if c.Window < 0 {
		errs = append(errs, fmt.Errorf("`window` is %s: give a positive duration, such as 1h, or 0 to keep no verdicts", c.Window))
	}
	if c.Size < 1 || c.Size > maxCacheSize {
		errs = append(errs, fmt.Errorf("`size` is %d: give 1 to %d, or `window: 0` to keep no verdicts", c.Size, maxCacheSize))
	}
	return errors.Join(errs...)
}

// CacheKey stands for a version of a judge and the content that it judges.
type CacheKey [sha256.Size]byte

// CacheKey is the key of an input that Bound has returned.
func (j *Judge) CacheKey(in *Input) CacheKey {
	hash := sha256.New()
	var buffer [1024]byte // hashing a string as a whole would copy it to the heap
	write := func(text string) {
		binary.BigEndian.PutUint64(buffer[:], uint64(len(text)))
		_, _ = hash.Write(buffer[:8])
		for text != "" {
			n := copy(buffer[:], text)
			_, _ = hash.Write(buffer[:n])
			text = text[n:]
		}
	}
	write(j.fingerprint)
	write(strconv.FormatBool(in.Truncated))
	for _, part := range j.prompt.needs {
		write(in.Part(part))
	}
	var key CacheKey
	hash.Sum(key[:0])
	return key
}

// Cache keeps verdicts for a while. It is safe for concurrent use; a nil one keeps none.
type Cache struct {
	cfg CacheConfig
	now func() time.Time

	mu      sync.Mutex
	entries map[CacheKey]*list.Element
	// byAge has the oldest first.
	byAge list.List
}

// cached is a verdict, without anything of what was judged.
type cached struct {
	key    CacheKey
	until  time.Time
	result Result
}

// NewCache makes a cache of a valid configuration; nil where it keeps none.
func NewCache(cfg CacheConfig, now func() time.Time) *Cache {
	if cfg.Window == 0 {
		return nil
	}
	return &Cache{cfg: cfg, now: now, entries: map[CacheKey]*list.Element{}}
}

// Get returns the verdict on the same content. Its metadata says that it was given before; it has no tokens, cost or
// duration of its own.
func (c *Cache) Get(key CacheKey) (Result, bool) {
	if c == nil {
		return Result{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.entries[key]
	if !ok {
		return Result{}, false
	}
	entry := element.Value.(*cached)
	if !c.now().Before(entry.until) {
		c.remove(element)
		return Result{}, false
	}
	result := entry.result
	result.Metadata = maps.Clone(result.Metadata)
	return result, true
}

// Put keeps a verdict; errors and refusals are not kept.
func (c *Cache) Put(key CacheKey, result *Result) {
	if c == nil || result.Error != nil || result.Refused != nil || len(result.Value)+len(result.Rationale) > maxCached {
		return
	}
	kept := Result{
		Value: result.Value, Verdict: result.Verdict, Rationale: result.Rationale, Model: result.Model,
		Agreement: result.Agreement, HasAgreement: result.HasAgreement, Metadata: map[string]string{MetadataCached: "true"},
	}
	for _, name := range []string{assessment.MetadataModel, MetadataAgreement, MetadataInputTruncated} {
		if value, ok := result.Metadata[name]; ok {
			kept.Metadata[name] = value
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if element, ok := c.entries[key]; ok {
		c.remove(element)
	}
	for oldest := c.byAge.Front(); oldest != nil; oldest = c.byAge.Front() {
		if c.byAge.Len() < c.cfg.Size && now.Before(oldest.Value.(*cached).until) {
			break
		}
		c.remove(oldest)
	}
	c.entries[key] = c.byAge.PushBack(&cached{key: key, until: now.Add(c.cfg.Window), result: kept})
}

// remove forgets a verdict; the lock is held.
func (c *Cache) remove(element *list.Element) {
	delete(c.entries, element.Value.(*cached).key)
	c.byAge.Remove(element)
}
