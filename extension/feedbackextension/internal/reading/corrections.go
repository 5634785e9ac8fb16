package reading

import (
	"cmp"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// correction is an example in the shape `corrections`: what a judge said, and what a person said of the same.
type correction struct {
	subject

	Name   string  `json:"name"`
	Judge  verdict `json:"judge"`
	Person verdict `json:"person"`
}

func (c *correction) about() *subject { return &c.subject }

// verdict is one side of a correction.
type verdict struct {
	ID        string           `json:"assessment_id"`
	Value     assessment.Value `json:"value"`
	Rationale string           `json:"rationale,omitempty"`
	Source    source           `json:"source"`

	updated time.Time
}

type source struct {
	Type assessment.SourceType `json:"source_type"`
	ID   string                `json:"source_id,omitempty"`
}

func verdictOf(a *assessment.Assessment) verdict {
	return verdict{
		ID: a.ID, Value: a.Value, Rationale: a.Rationale, Source: source{Type: a.Source.Type, ID: a.Source.ID},
		updated: a.UpdateTime,
	}
}

// corrections pairs each person's standing verdict with the judges' that it overrides, at any distance, or that have its
// name and span. Errors and verdicts without a value teach nothing. A judge's verdict that a person changed in place is
// a pair of its own.
func corrections(records []store.Record) []*correction {
	byID := make(map[string]*store.Record, len(records))
	var judges, people []*store.Record
	for i := range records {
		r := &records[i]
		byID[r.ID] = r
		switch {
		case r.Kind != assessment.KindFeedback || r.Value == "":
		case r.Source.Type == assessment.SourceTypeLLMJudge:
			judges = append(judges, r)
		case r.Source.Type == assessment.SourceTypeHuman && !r.Invalid:
			people = append(people, r)
		}
	}
	var pairs []*correction
	for _, judge := range judges {
		said, changed := original(judge)
		if changed && !judge.Invalid {
			person := verdictOf(&judge.Assessment)
			person.Source = source{Type: assessment.SourceTypeHuman, ID: corrector(judge, &said)}
			pairs = append(pairs, pair(judge, said, person))
		}
		for _, person := range people {
			if overrides(byID, person, judge.ID) || person.Name == judge.Name && person.SpanID == judge.SpanID {
				pairs = append(pairs, pair(judge, said, verdictOf(&person.Assessment)))
			}
		}
	}
	return pairs
}

// corrector is who changed the judge's verdict. MLflow does not say who changed a row there; older records name the judge
// then, who corrects nobody.
func corrector(judge *store.Record, said *verdict) string {
	if judge.Author == judge.Source.ID || judge.Author == said.Source.ID {
		return mlflow.SourceDefault
	}
	return cmp.Or(judge.Author, mlflow.SourceDefault)
}

func pair(judge *store.Record, said, person verdict) *correction {
	return &correction{subject: subject{SpanID: judge.SpanID}, Name: judge.Name, Judge: said, Person: person}
}

// overrides reports whether the record replaces the one with the id, or one that does.
func overrides(byID map[string]*store.Record, record *store.Record, id string) bool {
	for range byID { // an upper bound of the chain's length
		if record.Overrides == id {
			return true
		}
		next, found := byID[record.Overrides]
		if !found {
			return false
		}
		record = next
	}
	return false
}

// doorTelemetry is the one door that only automation uses.
const doorTelemetry = "telemetry"

// original is what the judge itself said last, and whether a person changed that in place.
func original(judge *store.Record) (said verdict, changed bool) {
	states := make([]*assessment.Assessment, 0, len(judge.History)+1)
	for i := range judge.History {
		states = append(states, &judge.History[i].Old)
	}
	states = append(states, &judge.Assessment)
	for i := range judge.History {
		if judge.History[i].Door != doorTelemetry && states[i].Value != "" && states[i].Value != states[i+1].Value {
			said = verdictOf(states[i])
			said.ID = judge.ID
			return said, true
		}
	}
	return verdictOf(&judge.Assessment), false
}

// takenBy says whether the filter takes the correction: its time is the person's.
func (c *correction) takenBy(f *filter) bool {
	return (f.name == "" || f.name == c.Name) && f.within(c.Person.updated)
}
