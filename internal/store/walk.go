package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Place is where a walk over the recent traces stands. The zero one is before the newest trace.
type Place struct {
	// at is behind the trace; of the second part only the id counts.
	at place
	// began is Redis' time at the walk's beginning, in milliseconds.
	began int64
	// moved says that the walk is in its second part, over what has moved since it began.
	moved bool
}

const (
	// movedMark begins the text of a place in the second part.
	movedMark = "moved"
	// beforeID is behind all trace ids, so that a place of it is before all traces of its millisecond.
	beforeID = "~"
)

// String is empty for the zero place.
func (p Place) String() string {
	switch {
	case p.at.id == "":
		return ""
	case p.moved:
		return movedMark + " " + p.at.id + " " + strconv.FormatInt(p.began, 10)
	default:
		return p.at.String() + " " + strconv.FormatInt(p.began, 10)
	}
}

// errPlace is what a text gets that String did not write.
var errPlace = errors.New("not a place of a walk")

// maxSkip bounds what a place may ask to be read again: no more traces than this change in one millisecond.
const maxSkip = 100_000

// ParsePlace reads what String wrote, and refuses anything else.
func ParsePlace(text string) (Place, error) {
	if text == "" {
		return Place{}, nil
	}
	cut := strings.LastIndexByte(text, ' ')
	began, err := strconv.ParseInt(text[cut+1:], 10, 64)
	if err != nil || cut < 0 {
		return Place{}, errPlace
	}
	p := Place{began: began}
	if p.at.id, p.moved = strings.CutPrefix(text[:cut], movedMark+" "); !p.moved {
		p.at = parsePlace(text[:cut])
	}
	if p.String() != text || !p.valid() {
		return Place{}, errPlace
	}
	return p, nil
}

func (p *Place) valid() bool {
	first := p.at.id == beforeID && !p.moved && p.at.skip == 0
	return p.began > 0 && (first || validHex(p.at.id, 32)) && p.at.skip <= maxSkip && p.at.score >= 0
}

// Visit is one trace of a walk.
type Visit struct {
	TraceID string
	// Changed is the time of the trace's last change, by Redis' clock.
	Changed time.Time
	// Before and Place are the walk's before and behind the trace.
	Before, Place Place
}

// Walk returns at most limit of the traces that changed last at the given time or later, and whether there are more
// behind them. It sees what the recent list holds, which Settings.MaxRecent bounds; a trace that expired may still be in
// it.
//
// What changes, or stands in a review queue, moves to the front of the list, behind the walk's back. So a walk has two
// parts: newest first to the list's end; then once through what moved since the walk began, in the order of the ids,
// which nothing moves. It meets each trace that stood in the list when it began, in each part at most once. One call
// visits no trace twice.
func (s *Store) Walk(ctx context.Context, from Place, since time.Time, limit int) (visits []Visit, more bool, err error) {
	if limit <= 0 {
		return nil, false, nil
	}
	if from.began == 0 {
		if from.began, err = s.walkClock(ctx); err != nil {
			return nil, false, fmt.Errorf("redis: %w", err)
		}
	}
	if !from.moved {
		if visits, err = s.walkDown(ctx, from, since, limit+1); err != nil {
			return nil, false, err
		}
	}
	if len(visits) <= limit {
		if visits, err = s.walkMoved(ctx, from, since, limit+1, visits); err != nil {
			return nil, false, fmt.Errorf("redis: %w", err)
		}
	}
	more = len(visits) > limit
	return visits[:min(limit, len(visits))], more, nil
}

// walkDown is the first part: newest first.
func (s *Store) walkDown(ctx context.Context, from Place, since time.Time, limit int) ([]Visit, error) {
	at := from.at
	if at.id != "" && at.score >= from.began {
		// Of this time there may come more, to either side of the place; the second part has all of it.
		at = place{score: from.began - 1, id: beforeID}
	}
	found, _, err := s.stretch(ctx, at, since, limit)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	before := from
	if before.at.id == "" {
		before.at = place{score: int64(found[0].score), id: beforeID}
	}
	visits := make([]Visit, len(found))
	for i, trace := range found {
		score, skip := int64(trace.score), 1
		if score == before.at.score {
			skip += before.at.skip
		}
		behind := Place{at: place{score: score, skip: skip, id: trace.id}, began: from.began}
		visits[i] = Visit{TraceID: trace.id, Changed: time.UnixMilli(score).UTC(), Before: before, Place: behind}
		before = behind
	}
	return visits, nil
}
