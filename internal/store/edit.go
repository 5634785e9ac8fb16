package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What an edit can be refused for.
var (
	// ErrTooMany says that the trace holds as many records as it may.
	ErrTooMany = errors.New("the trace holds as many assessments as it may")
	// ErrTooLarge says that a record is larger than it may be.
	ErrTooLarge = errors.New("the assessment is larger than it may be")
	// ErrTooManyPending says that as many traces that nobody has seen wait as may.
	ErrTooManyPending = errors.New("as many traces that have not arrived wait as may")
	// ErrUnreadable says that the record was written by a newer build, or is not readable.
	ErrUnreadable = errors.New("the assessment was written by a newer version")
)

// Edit is a change of one trace's records, made against what Redis holds of it.
type Edit struct {
	TraceID string
	// Now is Redis' clock, to the microsecond.
	Now time.Time
	// Known says that Redis holds the trace.
	Known bool
	// Records are the trace's, tombstones included, by id, or those of them that the edit reads; it changes them by Put
	// alone.
	Records map[string]Record
	// Pending counts the trace among those that nobody has seen, until it arrives in a backend; Settings.MaxPending
	// bounds them.
	Pending bool

	merging    merging
	deliveries map[string]string
	err        error
}

// Put notes a record to be written, with the states of delivery that it holds: the ones that it does not name stay, and a
// claim that runs for a backend of which one changes ends, because its worker has read another one.
// Record and Edit count its revision and version. The error, if any, is one of this package's and ends the edit.
func (e *Edit) Put(r Record) error {
	if err := e.put(r); err != nil {
		e.err = err
		return err
	}
	return nil
}

func (e *Edit) put(r Record) error {
	if e.merging.trace.unreadable[r.ID] {
		return ErrUnreadable
	}
	old, known := e.Records[r.ID]
	switch {
	case known && old.Version > RecordVersion:
		return ErrUnreadable
	case !known && e.merging.trace.size >= e.merging.maxRecords:
		return ErrTooMany
	}
	r.TraceID, r.Version, r.Revision = e.TraceID, RecordVersion, old.Revision+1
	if known || r.Door != doorBackend { // a row that is taken over stands in the backend as it is
		r.Written = e.Now
	}
	if !valid(&r.Assessment) {
		return fmt.Errorf("record %q is not valid", r.ID)
	}
	if !e.merging.write(r) {
		return ErrTooLarge
	}
	if r.Overrides != "" && (!known || old.Overrides == "") {
		e.merging.overriding++
	}
	for backend, delivery := range r.Backends {
		if delivery != old.Backends[backend] {
			e.deliveries[deliveryField(backend, r.ID)] = string(appendDelivery(nil, &delivery))
		}
	}
	return nil
}

// Edit changes one trace: change is given what Redis holds of it, and what it puts is written if nobody else changed the
// trace meanwhile; else it is called once more. An error of change is returned, and nothing is written. Where ids are
// given, only their records are read, with their states at Settings.Backends, whatever else the trace holds; any other
// record that change puts has to be new.
func (s *Store) Edit(ctx context.Context, traceID string, change func(*Edit) error, ids ...string) error {
	if !validHex(traceID, 32) {
		return fmt.Errorf("trace id %q is not of 32 lower-case hex digits", traceID)
	}
	g := &group{traceID: traceID, shard: shardOf(traceID)}
	for range maxContended {
		m, err := s.readEdit(ctx, g, ids)
		if err != nil {
			return fmt.Errorf("redis: %w", err)
		}
		e := &Edit{
			TraceID: traceID, Now: m.now, Known: m.trace.revision > 0, Records: m.trace.records,
			merging: *m, deliveries: map[string]string{},
		}
		if err := change(e); err != nil {
			return err
		}
		if e.err != nil {
			return e.err
		}
		if len(e.merging.changed) == 0 && s.cfg.WaitReplicas == 0 {
			return nil
		}
		letters, err := s.writeEdit(ctx, g, e)
		if err != nil {
			return err
		}
		switch refused := strings.IndexByte(letters, letterRefused); {
		case strings.HasPrefix(letters, string(letterMerge)):
		case refused == 0:
			return ErrTooManyPending
		case refused > 0:
			return ErrTooMany
		default:
			return nil
		}
	}
	return errContended
}

// readEdit reads the records of ids, or all.
func (s *Store) readEdit(ctx context.Context, g *group, ids []string) (*merging, error) {
	if len(ids) == 0 {
		mergings, err := s.read(ctx, map[*group][]int{g: nil})
		return mergings[g], err
	}
	names := append(make([]string, 0, 1+len(ids)*(1+len(s.set.Backends))), subjectField)
	for _, id := range ids {
		names = append(names, id)
		for _, backend := range s.set.Backends {
			names = append(names, deliveryField(backend.Name, id))
		}
	}
	pipe := s.client.Pipeline()
	clock := pipe.Time(ctx)
	values := pipe.HMGet(ctx, s.shards[g.shard].trace(g.traceID), names...)
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	fields := make(map[string]string, len(names))
	for i, value := range values.Val() {
		if text, there := value.(string); there {
			fields[names[i]] = text
		}
	}
	return s.newMerging(g, fields, clock.Val()), nil
}

// writeEdit writes what the edit put; without records it confirms what was read (mergeCall says why).
func (s *Store) writeEdit(ctx context.Context, g *group, e *Edit) (string, error) {
	m := &e.merging
	c := s.newPutCall(g.shard)
	names, texts := make([]string, 0, len(m.changed)), make([]string, 0, len(m.changed))
	for _, id := range m.changed {
		names, texts = append(names, id), append(texts, m.texts[id])
	}
	for field, text := range e.deliveries {
		names, texts = append(names, field), append(texts, text)
	}
	seen := unsaid
	if e.Pending && len(names) > 0 {
		seen = notSeen
	}
	c.add(head{
		traceID: g.traceID, expected: strconv.FormatInt(m.trace.revision, 10),
		byPerson: m.byPerson, overriding: m.overriding, seen: seen,
	}, names, texts)
	if err := s.run(ctx, true, &c.call); err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	return c.letters(len(names))
}

// Forget removes all that Redis holds of traces, their places in queues included.
func (s *Store) Forget(ctx context.Context, traceIDs ...string) error {
	calls := make([]*call, 0, len(traceIDs))
	for _, id := range traceIDs {
		shard := &s.shards[shardOf(id)]
		calls = append(calls, &call{script: forgetScript, keys: shard.keysOf(id)})
	}
	if err := s.run(ctx, true, calls...); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}
