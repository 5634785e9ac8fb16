package deliver

import (
	"context"
	"maps"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// pass claims one batch, reads it from the backend in one call, settles what needs no write and hands on the rest. It
// returns how many traces were claimed.
func (l *Loop) pass(ctx context.Context) (int, error) {
	s := &l.settings
	p, err := l.admission.enter(ctx, s.Clock.Now().Add(longestGateWait))
	if err != nil {
		return 0, err
	}
	claims := l.retained.take(s.Clock.Now())
	if len(claims) == 0 {
		claims, err = s.Queue.Claim(ctx, s.Name, batchSize, s.Lease)
	}
	if err != nil || len(claims) == 0 {
		l.admission.unused(ctx, p)
		return 0, err
	}
	ids := make([]string, len(claims))
	for i, claim := range claims {
		ids[i] = claim.TraceID
	}
	readCtx, cancel := context.WithTimeout(ctx, l.left(claims))
	reading, err := s.Backend.Read(readCtx, ids)
	cancel()
	l.admission.leave(ctx, p, err)
	if err != nil {
		l.retained.keep(claims...)
		return 0, errNotAdmitted
	}
	jobs := l.compareAll(claims, reading) //nolint:contextcheck // results are settled although the dispatching ends
	for i, j := range jobs {
		select {
		case l.jobs <- j:
		case <-ctx.Done():
			for _, rest := range jobs[i:] {
				l.retained.keep(rest.claim)
			}
			return len(claims), nil
		}
	}
	return len(claims), nil
}

// readable leaves out the records whose row is there but cannot be read.
func readable(records map[string]store.Record, backend string, trace Trace) map[string]store.Record {
	if len(trace.unreadable) == 0 {
		return records
	}
	left := maps.Clone(records)
	maps.DeleteFunc(left, func(_ string, record store.Record) bool {
		return trace.unreadable[backendID(record, backend)]
	})
	return left
}

// compareAll compares a batch of claims, settles those that need no write and returns the others.
func (l *Loop) compareAll(claims []store.Claim, reading Reading) []job {
	s := &l.settings
	now := s.Clock.Now()
	jobs := make([]job, len(claims))
	for i, claim := range claims {
		trace, found := reading.Traces[claim.TraceID]
		jobs[i] = job{claim: claim, trace: trace, found: found, unreadable: reading.Unreadable[claim.TraceID] != nil}
		if jobs[i].unreadable {
			continue
		}
		jobs[i].comparison = compare(s.Name, s.Forward, now, readable(claim.Records, s.Name, trace), trace.Rows)
	}
	guard := l.look(jobs)
	var toWrite []job
	var settled []store.Claim
	var verdicts []*verdict
	for _, j := range jobs {
		if v := l.withoutWrites(&j, guard); v != nil {
			settled = append(settled, j.claim)
			verdicts = append(verdicts, v)
		} else {
			toWrite = append(toWrite, j)
		}
	}
	l.settleAll(settled, verdicts)
	return toWrite
}

// withoutWrites is the verdict on a trace that nothing is to be written for now, nil for others.
func (l *Loop) withoutWrites(j *job, guard guard) *verdict {
	s := &l.settings
	c := &j.comparison
	if j.unreadable {
		v := newVerdict(&comparison{counts: map[string]int{}})
		v.await(j.claim, s.TraceWait, len(j.claim.Records), reasonUnreadable)
		return v
	}
	if !guard.believes(j) {
		guard.narrow(j)
		if len(c.writes) > 0 && j.found {
			return nil
		}
		c.writes = nil
		v := newVerdict(c)
		j.wait(v, s.TraceWait)
		return v
	}
	c.withdraw(s.Name, j.claim.Records)
	if len(c.writes) > 0 && !j.found {
		if wasThere(j.claim, s.Name) {
			c.abandon(s.Name)
			return newVerdict(c)
		}
		v := newVerdict(c)
		v.await(j.claim, s.TraceWait, len(c.writes), reasonNeverArrived)
		return v
	}
	if len(c.writes) == 0 {
		return newVerdict(c)
	}
	return nil
}

// withdraw keeps what somebody deleted in the backend, and notes that it is gone there.
func (c *comparison) withdraw(backend string, records map[string]store.Record) {
	for _, id := range c.missing {
		delivery := records[id].Backends[backend]
		delivery.State, delivery.Attempts, delivery.Reason = store.DeliveryWithdrawn, 0, ""
		c.deliveries[id] = delivery
		c.counts[OutcomeWithdrawn]++
	}
}

// abandon gives up what is still to be written for a trace that was in the backend and was deleted there.
func (c *comparison) abandon(backend string) {
	for _, w := range c.writes {
		delivery := w.Record.Backends[backend]
		delivery.State, delivery.Reason = store.DeliveryDead, reasonTraceDeleted
		if _, known := parseBase(delivery.Form); !known {
			delivery.Form = base{ours: digest(w.Form)}.String() // what is tried again once it has changed
		}
		c.deliveries[w.Record.ID] = delivery
		c.counts[OutcomeDead]++
		c.dead = reasonTraceDeleted
	}
}

// wasThere reports whether the trace has been seen in the backend since its rows were last to be brought back: what is
// pending although it was delivered once waits for the trace as well.
func wasThere(claim store.Claim, backend string) bool {
	withdrawn, restoring := false, false
	for _, record := range claim.Records {
		switch delivery := record.Backends[backend]; delivery.State {
		case store.DeliveryDelivered, store.DeliveryTheirs:
			return true
		case store.DeliveryWithdrawn:
			withdrawn = true
		case store.DeliveryPending:
			_, was := parseBase(delivery.Form)
			restoring = restoring || was
		default:
		}
	}
	return withdrawn && !restoring
}
