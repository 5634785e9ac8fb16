// Package reading answers what Redis holds: an assessment's history, lists of assessments, and exports for training and
// alignment. It also has the command that brings a backend's lost rows back.
//
// Lists and exports without a trace id see the traces of the store's list of recent traces, newest change first, which
// `max_recent` bounds; by trace id everything within the retention is there. A trace that changes while somebody pages
// moves to the front, and is met at the end, on a later page once more; a stream has each trace once.
package reading
