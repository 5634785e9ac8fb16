package deliver

import (
	"cmp"
	"context"
	"slices"
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

// reasonMissing marks, in a delivery, a row that was found missing once; reasonMassMissing marks one that was not believed.
const reasonMissing = "missing"

// guard keeps a backend that lost its rows from emptying Redis. Missing rows are believed at the second look at the
// earliest: until then all replicas have seen how many there are. Those that were once not believed never are, until
// they are back or somebody brings them back.
type guard struct {
	// doubted says that none is believed now, unknown that nobody can say.
	doubted, unknown bool
}

// look takes in what a batch of claims misses.
func (l *Loop) look(jobs []job) guard {
	s := &l.settings
	all := 0
	doubt := store.Doubt{
		Most: massMissing, Share: massMissingShare, Window: massMissingWindow, Hold: massMissingHold,
	}
	for _, j := range jobs {
		found := 0
		for _, id := range j.comparison.missing {
			if mark(&j.claim, id) == "" {
				found++
			}
		}
		all += len(j.comparison.missing)
		doubt.Missing += found
		if found > 0 || j.claim.Attempts == 0 {
			doubt.Seen += j.comparison.seen
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
		return guard{unknown: true}
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

// mark is what earlier looks noted of a row that is missing.
func mark(claim *store.Claim, id string) string {
	return claim.Records[id].Backends[claim.Backend].Reason
}

// believes reports whether all rows that a trace misses are taken for deleted.
func (g guard) believes(j *job) bool {
	if len(j.comparison.missing) > 0 && (g.doubted || g.unknown || j.claim.Attempts == 0) {
		return false
	}
	return !slices.ContainsFunc(j.comparison.missing, func(id string) bool { return mark(&j.claim, id) != reasonMissing })
}

// narrow leaves of a comparison whose missing rows are not believed only what harms nothing: the marks, and what the
// backend never had. Nothing that is different there is taken over.
func (g guard) narrow(j *job) {
	c := &j.comparison
	j.held = len(c.missing)
	j.early = !g.doubted
	held := comparison{deliveries: map[string]store.Delivery{}, counts: map[string]int{}}
	for _, id := range c.missing {
		delivery := j.claim.Records[id].Backends[j.claim.Backend]
		switch {
		case delivery.Reason == reasonMassMissing:
			j.early = false
		case g.unknown:
		case g.doubted:
			delivery.Reason = reasonMassMissing
		default:
			delivery.Reason = reasonMissing
		}
		if delivery != j.claim.Records[id].Backends[j.claim.Backend] {
			held.deliveries[id] = delivery
		}
	}
	there := make(map[string]bool, len(j.trace.Rows))
	for i := range j.trace.Rows {
		there[j.trace.Rows[i].ID] = true
	}
	for _, w := range c.writes {
		_, was := parseBase(w.Record.Backends[j.claim.Backend].Form)
		overrides := cmp.Or(w.overrides, w.Record.Overrides)
		if w.Op == OpCreate && !was && (overrides == "" || there[overrides]) {
			held.writes = append(held.writes, w)
			there[w.ID] = true
		}
	}
	*c = held
}

// wait defers a trace whose missing rows are not believed: for the second look, or until they are back.
func (j *job) wait(v *verdict, traceWait time.Duration) {
	if !j.early {
		v.await(j.claim, traceWait, j.held, reasonMassMissing)
		return
	}
	v.settlement.Done, v.settlement.RetryAfter = false, firstWait
	v.counts[OutcomeRetried] += j.held
}
