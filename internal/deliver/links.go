package deliver

import (
	"cmp"
	"errors"
)

// links are the rows that an override can refer to while the writes of a trace are carried out.
type links struct {
	// present are the ids of rows that stand there.
	present map[string]bool
	// rows are the ids of rows that were written just now, by the records'.
	rows map[string]string
	// later are records whose write has to be tried again.
	later map[string]bool
}

func newLinks(trace Trace) *links {
	l := &links{present: make(map[string]bool, len(trace.Rows)), rows: map[string]string{}, later: map[string]bool{}}
	for i := range trace.Rows {
		l.present[trace.Rows[i].ID] = true
	}
	for id := range trace.unreadable {
		l.present[id] = true
	}
	return l
}

// add takes in what a write came to.
func (l *links) add(recordID string, result Result) {
	switch {
	case errors.Is(result.Err, errStumbled), errors.Is(result.Err, errChanged):
		l.later[recordID] = true
	case result.Row != nil:
		l.present[result.Row.ID] = true
		l.rows[recordID] = result.Row.ID
	}
}

// of is the id that a new row's `overrides` is to hold; empty where what it refers to is not there and will not be. It
// is false where that is still to come: without its link an override would leave the original valid.
func (l *links) of(w *Write) (rowID string, ok bool) {
	original := w.Record.Overrides
	if l.later[original] {
		return "", false
	}
	if rowID = cmp.Or(l.rows[original], w.overrides, original); !l.present[rowID] {
		return "", true
	}
	return rowID, true
}
