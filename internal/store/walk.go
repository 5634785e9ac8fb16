package store

import (
	"context"
	"errors"
	"time"
)

// Place is where a walk over the recent traces stands. The zero one is before the newest trace.
type Place struct{ at place }

// String is empty for the zero place.
func (p Place) String() string { return p.at.String() }

// errPlace is what a text gets that String did not write.
var errPlace = errors.New("not a place of a walk")

// maxSkip bounds what a place may ask to be read again: no more traces than this change in one millisecond.
const maxSkip = 100_000

// ParsePlace reads what String wrote, and refuses anything else.
func ParsePlace(text string) (Place, error) {
	p := Place{at: parsePlace(text)}
	if p.String() != text || text != "" && (!validHex(p.at.id, 32) || p.at.skip > maxSkip || p.at.score < 0) {
		return Place{}, errPlace
	}
	return p, nil
}

// Visit is one trace of a walk.
type Visit struct {
	TraceID string
	// Changed is the time of the trace's last change, by Redis' clock.
	Changed time.Time
	// Place is the walk's behind the trace.
	Place Place
}

// Walk returns at most limit of the traces that changed last at the given time or later, newest first, and whether
// there are more behind them. It sees what the recent list holds, which Settings.MaxRecent bounds; a trace that expired
// may still be in it. A trace that changes during a walk moves to its front, and is not met again further on.
func (s *Store) Walk(ctx context.Context, from Place, since time.Time, limit int) (visits []Visit, more bool, err error) {
	found, next, err := s.stretch(ctx, from.at, since, limit)
	if err != nil {
		return nil, false, err
	}
	visits = make([]Visit, len(found))
	at := from.at
	for i, trace := range found {
		score, skip := int64(trace.score), 1
		if score == at.score && at.id != "" {
			skip += at.skip
		}
		at = place{score: score, skip: skip, id: trace.id}
		visits[i] = Visit{TraceID: trace.id, Changed: time.UnixMilli(score).UTC(), Place: Place{at: at}}
	}
	return visits, next != (place{}), nil
}
