package records

import (
	"cmp"
	"maps"
	"slices"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/access"
	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// MetadataClaimedSource keeps the author that a request named where the caller is another one.
const MetadataClaimedSource = "feedback.claimed_source_id"

// anonymous are the source ids that MLflow's clients send for "whoever I am".
func anonymous(sourceID string) bool {
	return sourceID == "" || sourceID == sourceUser || sourceID == mlflow.SourceDefault
}

// sourceUser is what MLflow's web page calls whoever looks at it.
const sourceUser = "User"

// personal reports whether a source's id may pass for a person's: MLflow keeps a type that it does not know, such as
// `human`, as none.
func personal(t assessment.SourceType) bool {
	return t != assessment.SourceTypeCode && t != assessment.SourceTypeLLMJudge
}

// Bind makes a known caller the author of a person's words, whatever the request says.
func Bind(a *assessment.Assessment, caller access.Caller) {
	if caller.Name == "" || caller.Trusted || !personal(a.Source.Type) {
		return
	}
	claimed := a.Source.ID
	a.Source.ID = caller.Name
	_, stale := a.Metadata[MetadataClaimedSource] // of the row whose metadata the web page repeats
	if foreign := claimed != caller.Name && !anonymous(claimed); foreign || stale {
		a.Metadata = maps.Clone(a.Metadata)
		delete(a.Metadata, MetadataClaimedSource)
		if foreign {
			if a.Metadata == nil {
				a.Metadata = map[string]string{}
			}
			a.Metadata[MetadataClaimedSource] = claimed
		}
	}
}

// mayChange refuses to put words into another person's mouth.
func mayChange(record *store.Record, caller access.Caller) error {
	if caller.Name == "" || caller.Trusted || caller.Admin || !personal(record.Source.Type) ||
		record.Source.ID == caller.Name || anonymous(record.Source.ID) {
		return nil
	}
	return answer.Denied("This assessment is another person's; override it with one of your own instead of changing it")
}

// author is who really made a change.
func author(caller access.Caller, source assessment.Source) string {
	if caller.Name == "" && source.Type == assessment.SourceTypeHuman {
		return source.ID
	}
	return caller.Name
}

// replace makes record hold next, by the word of somebody; what it held goes to its history.
func (d *draft) replace(record *store.Record, next assessment.Assessment, by, reason string) {
	record.History = append(slices.Clip(record.History), store.Change{
		Time: d.Now, Author: by, Door: d.door(), Reason: reason,
		Old: record.Assessment,
	})
	record.Assessment = next
	record.Author, record.Touched = by, true
}

// door is where the caller came in.
func (d *draft) door() string { return string(cmp.Or(d.caller.Door, access.DoorAPI)) }

// claim makes a row that somebody made in MLflow ours to bring into agreement, since it changes here.
func (d *draft) claim(record *store.Record) {
	if delivery := record.Backends[d.backend]; delivery.State == store.DeliveryTheirs {
		delivery.State = store.DeliveryDelivered
		d.setDelivery(record, delivery)
	}
}

func (d *draft) setDelivery(record *store.Record, delivery store.Delivery) {
	record.Backends = maps.Clone(record.Backends)
	if record.Backends == nil {
		record.Backends = map[string]store.Delivery{}
	}
	record.Backends[d.backend] = delivery
}
