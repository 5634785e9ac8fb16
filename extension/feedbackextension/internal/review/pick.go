package review

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const (
	// maxNoted bounds the assessments that a note names.
	maxNoted = 16

	reasonRate = "rate"
)

// rule is a Rule at work.
type rule struct {
	name       string
	queue      *queueSpec
	maxPending int
	conditions []condition
	// threshold is that of a random share, whose rule has no conditions.
	threshold sampling.Threshold
}

// pick is a trace that a rule holds for.
type pick struct {
	traceID string
	rule    *rule
	// waited is the time since the trace changed.
	waited time.Duration
	// dead says that the delivery of the trace was given up.
	dead bool
	// delivered is false while MLflow lacks what the rule is about.
	delivered bool
	note      store.Review
	// since is the time from which the rule may have held.
	since time.Time
	// stood are the queues that other rules have put the trace into.
	stood []string
	// inputs are how the queue's questions are answered, as far as the trace shows it.
	inputs map[string]mlflow.LabelInput

	fate fate
}

// fate is what becomes of a pick.
type fate int8

const (
	// waits: it is looked at again.
	waits fate = iota
	added
	full
	gaveUp
	failed
)

// pick returns the trace's pick by the rule, nil where the rule does not hold or has held before. all are the trace's
// records that are present.
func (r *rule) pick(trace *store.ReviewTrace, all []store.Record, backend string) *pick {
	if slices.ContainsFunc(trace.Reviews, func(review store.Review) bool { return review.Rule == r.name }) {
		return nil
	}
	reason, held := r.match(trace.TraceID, all)
	if len(held) == 0 {
		return nil
	}
	p := &pick{
		traceID: trace.TraceID, rule: r, waited: trace.Waited, dead: trace.Dead, delivered: true,
		note: store.Review{Rule: r.name, Reason: reason}, inputs: inputs(r.queue.schemas, all),
	}
	for _, review := range trace.Reviews {
		p.stood = append(p.stood, review.Queue)
	}
	for i, record := range held {
		if p.since.IsZero() || record.UpdateTime.Before(p.since) {
			p.since = record.UpdateTime
		}
		p.delivered = p.delivered && record.Backends[backend].State != store.DeliveryPending
		if i < maxNoted {
			p.note.Assessments = append(p.note.Assessments, record.ID)
		}
	}
	return p
}

// match returns the records that the rule holds for, and says what of it does.
func (r *rule) match(traceID string, all []store.Record) (reason string, held []store.Record) {
	if len(r.conditions) == 0 {
		if len(all) > 0 && r.drawn(traceID) {
			return reasonRate, all
		}
		return "", nil
	}
	var reasons []string
	for _, condition := range r.conditions {
		var names []string
		for _, name := range condition.names {
			for i := range all {
				if all[i].Name != name || !condition.holds(&all[i], all) {
					continue
				}
				names = union(names, []string{name})
				if !slices.ContainsFunc(held, func(h store.Record) bool { return h.ID == all[i].ID }) {
					held = append(held, all[i])
				}
			}
		}
		if len(names) > 0 {
			reasons = append(reasons, condition.key+": "+strings.Join(names, ", "))
		}
	}
	return strings.Join(reasons, "; "), held
}

// drawn says whether the trace is of the rule's random share. The id is hashed with the rule's name: the samplers before
// us look at the id's own bits, and each rule draws for itself.
func (r *rule) drawn(traceID string) bool {
	text := binary.BigEndian.AppendUint32(nil, uint32(len(r.name)))
	sum := sha256.Sum256(append(append(text, r.name...), traceID...))
	randomness, err := sampling.UnsignedToRandomness(binary.BigEndian.Uint64(sum[:]) >> 8)
	return err == nil && r.threshold.ShouldSample(randomness) // below 2^56 there is no error
}

// inputs say how questions of these names are answered, by the first assessment of each.
func inputs(schemas []string, all []store.Record) map[string]mlflow.LabelInput {
	shown := make(map[string]mlflow.LabelInput, len(schemas))
	for i := range all {
		record := &all[i]
		if _, known := shown[record.Name]; !known && record.Value != "" && slices.Contains(schemas, record.Name) {
			shown[record.Name] = inputFor(record)
		}
	}
	return shown
}

func inputFor(record *store.Record) mlflow.LabelInput {
	switch record.Value.Type() {
	case assessment.ValueTypeInt, assessment.ValueTypeFloat:
		return mlflow.LabelInput{Numeric: &mlflow.NumericInput{}}
	case assessment.ValueTypeString:
		return mlflow.LabelInput{Text: &mlflow.TextInput{}}
	default:
		if verdict(record) == assessment.VerdictNone {
			return mlflow.LabelInput{Text: &mlflow.TextInput{}}
		}
		return passOrFail()
	}
}

func passOrFail() mlflow.LabelInput {
	return mlflow.LabelInput{PassFail: &mlflow.PassFailInput{Positive: "Pass", Negative: "Fail"}}
}

// byAge orders picks so that the trace that changed first comes first.
func byAge(a, b *pick) int {
	return cmp.Or(cmp.Compare(b.waited, a.waited), strings.Compare(a.traceID, b.traceID))
}
