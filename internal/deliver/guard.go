package deliver

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// massMissing and massMissingShare are how many delivered rows, and which share of them, may be found gone within
	// massMissingWindow before that looks like a restored backup and not like people's work.
	massMissing       = 20
	massMissingShare  = 0.05
	massMissingWindow = time.Minute
	// massMissingHold is how long no missing row is believed after that.
	massMissingHold = 10 * time.Minute
)

// guard keeps a backend that lost its rows from emptying Redis. A trace's missing rows are believed at the second look
// at the earliest: until then all replicas have seen how many there are. Those of a trace that were once not believed
// never are, until the trace changes or somebody brings it back.
type guard struct {
	doubted bool
}

// look takes in what a batch of claims misses.
func (l *Loop) look(jobs []job) guard {
	s := &l.settings
	all := 0
	doubt := store.Doubt{
		Most: massMissing, Share: massMissingShare, Window: massMissingWindow, Hold: massMissingHold,
	}
	for i := range jobs {
		c := &jobs[i].comparison
		all += len(c.missing)
		if jobs[i].claim.Attempts == 0 {
			doubt.Missing += len(c.missing)
			doubt.Seen += c.seen
		}
	}
	if all == 0 {
		return guard{}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.working), settleTimeout)
	defer cancel()
	doubted, tripped, err := s.Gate.Doubt(ctx, s.Name, doubt)
	if err != nil {
		s.Logger.Debug("missing rows are not believed", zap.Error(err))
		return guard{doubted: true}
	}
	if doubted {
		s.Observer.MassMissing(s.Name, all)
	}
	if tripped {
		s.Logger.Error("many delivered assessments are gone from the backend at once; none is taken for deleted. "+
			"Was a backup restored? Then POST /feedback/v1/restore to the feedback extension delivers them again",
			zap.Int("missing", doubt.Missing), zap.Int("present", doubt.Seen))
	}
	return guard{doubted: doubted}
}

// verdict is the verdict on a trace whose missing rows are not believed now, nil for one whose are. Nothing else that is
// different in the backend is taken over from such a trace.
func (g guard) verdict(j *job, traceWait time.Duration) *verdict {
	missing := len(j.comparison.missing)
	first := j.claim.Attempts == 0
	if missing == 0 || !g.doubted && j.claim.Attempts == 1 {
		return nil
	}
	v := newVerdict(&comparison{counts: map[string]int{}})
	if first {
		v.settlement.Done, v.settlement.RetryAfter = false, firstWait
		v.counts[OutcomeRetried] += missing
		return v
	}
	v.await(j.claim, traceWait, missing, reasonMassMissing)
	return v
}
