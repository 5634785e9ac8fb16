package review

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// condition is one key of a rule.
type condition struct {
	// key is its name in the configuration.
	key   string
	names []string
	// holds is asked about present records of the names; all are the trace's.
	holds func(record *store.Record, all []store.Record) bool
}

// conditions are those of a rule that name any assessments.
func (r *Rule) conditions() []condition {
	all := []condition{
		{"checks_failed", r.ChecksFailed, func(record *store.Record, _ []store.Record) bool {
			return stands(record, assessment.SourceTypeCode) && verdict(record) == assessment.VerdictFailed
		}},
		{"judges_failed", r.JudgesFailed, func(record *store.Record, _ []store.Record) bool {
			return stands(record, assessment.SourceTypeLLMJudge) && verdict(record) == assessment.VerdictFailed
		}},
		{"judges_below", slices.Sorted(maps.Keys(r.JudgesBelow)), func(record *store.Record, _ []store.Record) bool {
			number, ok := record.Value.Number()
			return stands(record, assessment.SourceTypeLLMJudge) && ok && number < r.JudgesBelow[record.Name]
		}},
		{"panel_disagreed", r.PanelDisagreed, func(record *store.Record, _ []store.Record) bool {
			return stands(record, assessment.SourceTypeLLMJudge) && divided(record.Metadata[assessment.MetadataVotes])
		}},
		{"judge_and_person_disagree", r.JudgeAndPersonDisagree, func(record *store.Record, all []store.Record) bool {
			return stands(record, assessment.SourceTypeHuman) && contradicts(record, all)
		}},
		{"thumbs_down", r.ThumbsDown, func(record *store.Record, _ []store.Record) bool {
			return stands(record, assessment.SourceTypeHuman) && thumbsDown(record)
		}},
	}
	return slices.DeleteFunc(all, func(c condition) bool { return len(c.names) == 0 })
}

// stands says whether the record is feedback of the source that nothing has replaced.
func stands(record *store.Record, source assessment.SourceType) bool {
	return record.Source.Type == source && record.Kind == assessment.KindFeedback && !record.Invalid
}

// present are the trace's records that neither we nor the backend have deleted, in the order of their making.
func present(records map[string]store.Record, backend string) []store.Record {
	all := make([]store.Record, 0, len(records))
	for _, id := range slices.Sorted(maps.Keys(records)) {
		record := records[id]
		if record.Deleted.IsZero() && record.Version <= store.RecordVersion &&
			record.Backends[backend].State != store.DeliveryWithdrawn {
			all = append(all, record)
		}
	}
	slices.SortStableFunc(all, func(a, b store.Record) int {
		return cmp.Or(a.CreateTime.Compare(b.CreateTime), strings.Compare(a.ID, b.ID))
	})
	return all
}

// contradicts says whether a person's record says something else than a judge's of its name: the one that it replaces, at
// any distance, or one that stands beside what the first person said.
func contradicts(person *store.Record, all []store.Record) bool {
	first := origin(person, all)
	if first == nil {
		return false
	}
	return slices.ContainsFunc(all, func(judge store.Record) bool {
		if !isJudges(&judge, person.Name) {
			return false
		}
		about := judge.ID == first.ID
		if first.Source.Type == assessment.SourceTypeHuman && first.Name == judge.Name && !judge.Invalid {
			about = judge.SpanID == "" || first.SpanID == "" || judge.SpanID == first.SpanID
		}
		return about && differ(person, &judge)
	})
}

func isJudges(record *store.Record, name string) bool {
	return record.Source.Type == assessment.SourceTypeLLMJudge && record.Kind == assessment.KindFeedback && record.Name == name
}

// origin is what a chain of overrides began with: a judge's record, the last before people's, or what replaces none; nil
// where that is gone.
func origin(record *store.Record, all []store.Record) *store.Record {
	if record.Overrides == "" {
		return record
	}
	byID := make(map[string]*store.Record, len(all))
	for i := range all {
		byID[all[i].ID] = &all[i]
	}
	for range all { // an upper bound of the chain's length, which may be a circle
		if record == nil || record.Overrides == "" || record.Source.Type == assessment.SourceTypeLLMJudge {
			return record
		}
		record = byID[record.Overrides]
	}
	return nil
}
