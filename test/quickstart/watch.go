package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	pollEvery = 200 * time.Millisecond
	// settled is how long nothing new must come before the first table is taken for complete.
	settled = 1500 * time.Millisecond
	// patience bounds the wait for the first table.
	patience = 90 * time.Second
)

// assessments is where results are read from.
type assessments interface {
	// recent returns the assessments of the traces that got one last.
	recent(ctx context.Context) ([]assessment.Assessment, error)
}

// watcher prints assessments as they come.
type watcher struct {
	results assessments
	out     io.Writer
	// labels are of the traces that the first table is about, by trace id.
	labels map[string]string
	// ended is closed when the collector has.
	ended <-chan struct{}

	// printed are the ids of what was printed.
	printed map[string]bool
}

var errCollectorEnded = errors.New("the collector has ended; its log tells why")

// first waits for the results of the labelled traces and prints them in order.
func (w *watcher) first(ctx context.Context, started time.Time) error {
	w.printed = make(map[string]bool)
	var found []assessment.Assessment
	last := time.Now()
	for len(found) == 0 || time.Since(last) < settled {
		if time.Since(started) > patience {
			return fmt.Errorf("no results after %s", patience)
		}
		if err := w.wait(ctx); err != nil {
			return err
		}
		all, err := w.results.recent(ctx)
		if err != nil {
			return err
		}
		ours := all[:0]
		for _, a := range all {
			if _, ok := w.labels[a.TraceID]; ok {
				ours = append(ours, a)
			}
		}
		if len(ours) != len(found) {
			found, last = ours, time.Now()
		}
	}
	order(w.labels, found)
	printTitle(w.out)
	for _, a := range found {
		printRow(w.out, w.labels[a.TraceID], a)
		w.printed[a.ID] = true
	}
	fmt.Fprintf(w.out, "%d results of %d traces, %.1f s after the spans were sent.\n",
		len(found), len(w.labels), last.Sub(started).Seconds())
	return nil
}

// follow prints what comes later, until ctx ends.
func (w *watcher) follow(ctx context.Context) error {
	for {
		if err := w.wait(ctx); err != nil {
			return err
		}
		all, err := w.results.recent(ctx)
		if err != nil {
			continue // a Redis that is away for a moment comes back
		}
		order(w.labels, all)
		present := make(map[string]bool, len(all))
		for _, a := range all {
			present[a.ID] = true
			if !w.printed[a.ID] {
				printRow(w.out, cmp.Or(w.labels[a.TraceID], "your app"), a)
			}
		}
		w.printed = present // what is no longer recent need not be remembered
	}
}

func (w *watcher) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.ended:
		return errCollectorEnded
	case <-time.After(pollEvery):
		return nil
	}
}
