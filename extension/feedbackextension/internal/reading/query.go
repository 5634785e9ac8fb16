package reading

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// filter says which assessments are meant; a zero field takes all.
type filter struct {
	name       string
	kind       assessment.Kind
	sourceType assessment.SourceType
	sourceID   string
	valid      *bool
	// since and until bound the time of the last update; until itself is out.
	since, until time.Time
}

func (f *filter) takes(record *store.Record) bool {
	switch {
	case f.name != "" && f.name != record.Name,
		f.kind != "" && f.kind != record.Kind,
		f.sourceType != "" && f.sourceType != record.Source.Type,
		f.sourceID != "" && f.sourceID != record.Source.ID,
		f.valid != nil && *f.valid == record.Invalid:
		return false
	default:
		return f.within(record.UpdateTime)
	}
}

func (f *filter) within(updated time.Time) bool {
	return !updated.Before(f.since) && (f.until.IsZero() || updated.Before(f.until))
}

// query reads the parameters of a request. What it does not know it refuses: a misspelt filter would answer too much.
type query struct {
	values url.Values
	err    error
}

func newQuery(raw string, known ...string) *query {
	values, err := url.ParseQuery(raw)
	q := &query{values: values}
	if err != nil {
		q.err = answer.Invalid("The query is not readable.")
		return q
	}
	for name, all := range values {
		switch {
		case !slices.Contains(known, name):
			q.err = answer.Invalid("Unknown query parameter; the known ones are: " + strings.Join(known, ", ") + ".")
		case len(all) > 1:
			q.refuse(name, "is given more than once")
		}
	}
	return q
}

// filters are the parameters that filter reads.
var filters = []string{"name", "kind", "source_type", "source_id", "valid", "since", "until"}

func (q *query) filter() filter {
	f := filter{
		name: q.values.Get("name"), sourceID: q.values.Get("source_id"),
		since: q.time("since"), until: q.time("until"),
		kind: assessment.Kind(q.oneOf("kind", string(assessment.KindFeedback), string(assessment.KindExpectation),
			string(assessment.KindIssue))),
		sourceType: assessment.SourceType(q.oneOf("source_type", string(assessment.SourceTypeCode),
			string(assessment.SourceTypeLLMJudge), string(assessment.SourceTypeHuman),
			string(assessment.SourceTypeUnspecified))),
	}
	if text := q.oneOf("valid", "true", "false"); text != "" {
		valid := text == "true"
		f.valid = &valid
	}
	return f
}

// oneOf is the parameter's value, "" where it is not given.
func (q *query) oneOf(name string, values ...string) string {
	value := q.values.Get(name)
	if value != "" && !slices.Contains(values, value) {
		q.refuse(name, "must be one of "+strings.Join(values, ", "))
		return ""
	}
	return value
}

func (q *query) time(name string) time.Time {
	value := q.values.Get(name)
	if value == "" {
		return time.Time{}
	}
	// A plus sign that was not escaped has become a space.
	t, err := time.Parse(time.RFC3339, strings.ReplaceAll(value, " ", "+"))
	if err != nil {
		q.refuse(name, "must be a time such as 2026-01-31T12:00:00Z")
	}
	return t
}

func (q *query) number(name string, byDefault, most int) int {
	value := q.values.Get(name)
	if value == "" {
		return byDefault
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > most {
		q.refuse(name, "must be a number from 1 to "+strconv.Itoa(most))
		return byDefault
	}
	return n
}

// refuse keeps the first error.
func (q *query) refuse(name, what string) {
	if q.err == nil {
		q.err = answer.Invalid("Query parameter '" + name + "' " + what + ".")
	}
}

// without is the query without some parameters, in one spelling; a page token belongs to it.
func (q *query) without(names ...string) string {
	rest := url.Values{}
	for name, all := range q.values {
		if !slices.Contains(names, name) {
			rest[name] = all
		}
	}
	return rest.Encode()
}
