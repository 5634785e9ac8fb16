package review

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

const backendName = "feedback"

// records make a trace's records of feedback; each id is its place.
func records(all ...store.Record) map[string]store.Record {
	byID := make(map[string]store.Record, len(all))
	for i, record := range all {
		if record.ID == "" {
			record.ID = fmt.Sprintf("a-%d", i)
		}
		if record.Kind == "" {
			record.Kind = assessment.KindFeedback
		}
		record.Version = store.RecordVersion
		byID[record.ID] = record
	}
	return byID
}

func of(source assessment.SourceType, name string, value assessment.Value, changes ...func(*store.Record)) store.Record {
	record := store.Record{}
	record.Name, record.Value, record.Source.Type = name, value, source
	for _, change := range changes {
		change(&record)
	}
	return record
}

func code(name string, value assessment.Value, changes ...func(*store.Record)) store.Record {
	return of(assessment.SourceTypeCode, name, value, changes...)
}

func judge(name string, value assessment.Value, changes ...func(*store.Record)) store.Record {
	return of(assessment.SourceTypeLLMJudge, name, value, changes...)
}

func person(name string, value assessment.Value, changes ...func(*store.Record)) store.Record {
	return of(assessment.SourceTypeHuman, name, value, changes...)
}

func overridden(r *store.Record)  { r.Invalid = true }
func failedOne(r *store.Record)   { r.Verdict = assessment.VerdictFailed }
func passedOne(r *store.Record)   { r.Verdict = assessment.VerdictPassed }
func expectation(r *store.Record) { r.Kind = assessment.KindExpectation }
func deletedOne(r *store.Record)  { r.Deleted = time.Unix(1, 0) }
func newerBuilds(r *store.Record) { r.Version = store.RecordVersion + 1 }
func withdrawnOne(r *store.Record) {
	r.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryWithdrawn}}
}

func span(id string) func(*store.Record)       { return func(r *store.Record) { r.SpanID = id } }
func overriding(id string) func(*store.Record) { return func(r *store.Record) { r.Overrides = id } }
func voted(values ...string) func(*store.Record) {
	return func(r *store.Record) {
		var votes []map[string]json.RawMessage
		for _, value := range values {
			vote := map[string]json.RawMessage{"model": json.RawMessage(`"m"`)}
			if value != "" {
				vote["value"] = json.RawMessage(value)
			}
			votes = append(votes, vote)
		}
		text, _ := json.Marshal(votes)
		r.Metadata = map[string]string{assessment.MetadataVotes: string(text)}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	checks := Rule{ChecksFailed: []string{"c"}}
	judges := Rule{JudgesFailed: []string{"j"}}
	below := Rule{JudgesBelow: map[string]float64{"j": 0.5}}
	panel := Rule{PanelDisagreed: []string{"j"}}
	both := Rule{JudgeAndPersonDisagree: []string{"j"}}
	thumbs := Rule{ThumbsDown: []string{"t"}}
	tests := []struct {
		name    string
		rule    Rule
		records []store.Record
		reason  string
	}{
		{"check: none", checks, nil, ""},
		{"check: passed", checks, []store.Record{code("c", assessment.True, passedOne)}, ""},
		{"check: another one failed", checks, []store.Record{code("d", assessment.False, failedOne)}, ""},
		{"check: overridden", checks, []store.Record{code("c", assessment.False, failedOne, overridden)}, ""},
		{"check: deleted", checks, []store.Record{code("c", assessment.False, failedOne, deletedOne)}, ""},
		{"check: deleted in MLflow", checks, []store.Record{code("c", assessment.False, failedOne, withdrawnOne)}, ""},
		{"check: a judge's name", checks, []store.Record{judge("c", assessment.False, failedOne)}, ""},
		{"check: its own error", checks, []store.Record{code("c", "")}, ""},
		{"check: an expectation", checks, []store.Record{code("c", assessment.False, expectation)}, ""},
		{"check: failed", checks, []store.Record{code("c", `{"overall_score":0.5}`, failedOne)}, "checks_failed: c"},
		{"check: false of another program's", checks, []store.Record{code("c", assessment.False)}, "checks_failed: c"},
		{"judge: passed", judges, []store.Record{judge("j", `{"accuracy":0.9}`, passedOne)}, ""},
		{"judge: failed", judges, []store.Record{judge("j", `{"accuracy":0.2}`, failedOne)}, "judges_failed: j"},
		{"below: equal", below, []store.Record{judge("j", "0.5")}, ""},
		{"below: no number", below, []store.Record{judge("j", `{"a":0}`), judge("j", `"0"`), judge("j", "")}, ""},
		{"below: a person's", below, []store.Record{person("j", "0")}, ""},
		{"below", below, []store.Record{judge("j", "0.49")}, "judges_below: j"},
		{"below: a boolean", below, []store.Record{judge("j", assessment.False)}, "judges_below: j"},
		{"panel: no votes", panel, []store.Record{judge("j", "1")}, ""},
		{"panel: one voted", panel, []store.Record{judge("j", "1", voted("1", "", ""))}, ""},
		{"panel: unanimous, spelled in other ways", panel, []store.Record{judge("j", `{}`, voted(`{"a":1,"b":2}`, `{"b":2.0,"a":1}`))}, ""},
		{"panel: votes nobody understands", panel, []store.Record{judge("j", "1", func(r *store.Record) {
			r.Metadata = map[string]string{assessment.MetadataVotes: `{"value":1}`}
		})}, ""},
		{"panel", panel, []store.Record{judge("j", "1", voted("true", "", "false", "true"))}, "panel_disagreed: j"},
		{"both: only a judge", both, []store.Record{judge("j", assessment.True)}, ""},
		{"both: agree", both, []store.Record{judge("j", assessment.True), person("j", assessment.True)}, ""},
		{"both: agree on numbers", both, []store.Record{judge("j", "1"), person("j", "1.0")}, ""},
		{"both: other spans", both, []store.Record{judge("j", assessment.True, span("1")), person("j", assessment.False, span("2"))}, ""},
		{"both: the judge had no verdict", both, []store.Record{judge("j", ""), person("j", assessment.False)}, ""},
		{"both: the person's was replaced", both, []store.Record{judge("j", assessment.True), person("j", assessment.False, overridden)}, ""},
		{"both: the judge's was replaced by another judge's", both, []store.Record{
			judge("j", assessment.True, overridden), judge("j", assessment.False), person("j", assessment.False),
		}, ""},
		{"both: override of another one", both, []store.Record{judge("j", assessment.True), person("j", assessment.False, overriding("a-9"))}, ""},
		{"both: what should have been", both, []store.Record{judge("j", assessment.True), person("j", assessment.False, expectation)}, ""},
		{"both: override that confirms", both, []store.Record{judge("j", assessment.True, overridden), person("j", assessment.True, overriding("a-0"))}, ""},
		{
			"both: verdicts", both,
			[]store.Record{judge("j", `{"accuracy":0.9}`, passedOne), person("j", assessment.False)},
			"judge_and_person_disagree: j",
		},
		{"both: values", both, []store.Record{judge("j", `"good"`), person("j", `"bad"`)}, "judge_and_person_disagree: j"},
		{
			"both: override", both,
			[]store.Record{judge("j", assessment.True, overridden, span("1")), person("j", assessment.False, overriding("a-0"))},
			"judge_and_person_disagree: j",
		},
		{
			"both: override of an override", both,
			[]store.Record{
				judge("j", assessment.True, overridden), person("j", assessment.True, overridden, overriding("a-0")),
				person("j", assessment.False, overriding("a-1"), span("1")),
			},
			"judge_and_person_disagree: j",
		},
		{"both: override of an override that came back", both, []store.Record{
			judge("j", assessment.True, overridden), person("j", assessment.False, overridden, overriding("a-0")),
			person("j", assessment.True, overriding("a-1")),
		}, ""},
		{"both: override of an override that is gone", both, []store.Record{
			judge("j", assessment.True, overridden), person("j", assessment.True, overriding("a-0"), deletedOne),
			person("j", assessment.False, overriding("a-1")),
		}, ""},
		{
			"both: override of a person's own", both,
			[]store.Record{
				judge("j", assessment.True, span("1")), person("j", assessment.True, overridden, span("1")),
				person("j", assessment.False, overriding("a-1")),
			},
			"judge_and_person_disagree: j",
		},
		{"both: override of a person's own on another span", both, []store.Record{
			judge("j", assessment.True, span("1")), person("j", assessment.True, overridden, span("2")),
			person("j", assessment.False, overriding("a-1"), span("1")),
		}, ""},
		{"both: override of a person's own of another name", both, []store.Record{
			judge("j", assessment.True), person("k", assessment.True, overridden), person("j", assessment.False, overriding("a-1")),
		}, ""},
		{"both: override of a person's own, of a judge's that was replaced", both, []store.Record{
			judge("j", assessment.True, overridden), person("j", assessment.True, overridden), person("j", assessment.False, overriding("a-1")),
		}, ""},
		{"both: override of a check's", both, []store.Record{
			judge("j", assessment.True), code("j", assessment.True, overridden), person("j", assessment.False, overriding("a-1")),
		}, ""},
		{"both: agrees with the judge that came last", both, []store.Record{
			judge("j", assessment.True, overridden), judge("j", assessment.False, overridden, overriding("a-0")),
			person("j", assessment.False, overriding("a-1")),
		}, ""},
		{"both: overrides in a circle", both, []store.Record{
			judge("j", assessment.True), person("j", assessment.False, overriding("a-2")),
			person("j", assessment.False, overridden, overriding("a-1")), person("j", assessment.False, overriding("a-3")),
		}, ""},
		{"thumbs: up", thumbs, []store.Record{person("t", assessment.True), person("t", "1"), person("t", `"up"`), person("t", "")}, ""},
		{"thumbs: a program's", thumbs, []store.Record{code("t", assessment.False)}, ""},
		{"thumbs: false", thumbs, []store.Record{person("t", assessment.False)}, "thumbs_down: t"},
		{"thumbs: 0", thumbs, []store.Record{person("t", "0")}, "thumbs_down: t"},
		{"thumbs: -1", thumbs, []store.Record{person("t", "-1.0")}, "thumbs_down: t"},
		{"thumbs: a word", thumbs, []store.Record{person("t", `" Down"`)}, "thumbs_down: t"},
		{"thumbs: a sign", thumbs, []store.Record{person("t", `"👎"`)}, "thumbs_down: t"},
		{"thumbs: failed", thumbs, []store.Record{person("t", `{"ok":false}`, failedOne)}, "thumbs_down: t"},
		{
			"any of several",
			Rule{ChecksFailed: []string{"c", "d", "e"}, ThumbsDown: []string{"t"}, JudgesFailed: []string{"j"}},
			[]store.Record{code("d", assessment.False), code("c", assessment.False), person("t", "0"), code("c", assessment.False)},
			"checks_failed: c, d; thumbs_down: t",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &rule{name: "r", conditions: tt.rule.conditions()}
			reason, held := r.match("", present(records(tt.records...), backendName))
			assert.Equal(t, tt.reason, reason)
			assert.Equal(t, tt.reason != "", len(held) > 0)
		})
	}
	newer := records(code("c", assessment.False))
	for id, record := range newer {
		newerBuilds(&record)
		newer[id] = record
	}
	assert.Empty(t, present(newer, backendName), "what a newer build wrote is not understood")
}

func TestPick(t *testing.T) {
	t.Parallel()
	delivered := func(r *store.Record) {
		r.Backends = map[string]store.Delivery{backendName: {State: store.DeliveryDelivered}}
	}
	r := &rule{name: "r", queue: &queueSpec{}, conditions: (&Rule{ChecksFailed: []string{"c"}}).conditions()}
	trace := &store.ReviewTrace{TraceID: "1", Waited: time.Minute}
	pick := func(all ...store.Record) *pick {
		return r.pick(trace, present(records(all...), backendName), backendName)
	}

	assert.Nil(t, pick(code("c", assessment.True)))
	assert.False(t, pick(code("c", assessment.False), code("d", assessment.True, delivered)).delivered)
	p := pick(code("c", assessment.False, delivered), code("d", assessment.True))
	assert.True(t, p.delivered, "what the rule is not about may wait")
	assert.Equal(t, store.Review{Rule: "r", Reason: "checks_failed: c", Assessments: []string{"a-0"}}, p.note)
	many := make([]store.Record, 20)
	for i := range many {
		many[i] = code("c", assessment.False)
	}
	assert.Len(t, pick(many...).note.Assessments, maxNoted)
	trace.Reviews = []store.Review{{Rule: "r"}}
	assert.Nil(t, pick(code("c", assessment.False, delivered)), "once and never again")
}

func TestRate(t *testing.T) {
	t.Parallel()
	share := func(name string, rate float64) (drawn int) {
		threshold, err := sampling.ProbabilityToThreshold(rate)
		require.NoError(t, err)
		r := &rule{name: name, threshold: threshold}
		again := &rule{name: name, threshold: threshold}
		for i := range 10_000 {
			id := fmt.Sprintf("%032x", i)
			reason, held := r.match(id, []store.Record{code("c", assessment.True)})
			if len(held) > 0 {
				assert.Equal(t, "rate", reason)
				drawn++
			}
			assert.Equal(t, r.drawn(id), again.drawn(id), "on every replica the same")
		}
		return drawn
	}
	assert.InDelta(t, 100, share("r", 0.01), 40)
	assert.Equal(t, 10_000, share("r", 1))
	assert.InDelta(t, 5000, share("another", 0.5), 250)
	none := &rule{name: "r", threshold: sampling.AlwaysSampleThreshold}
	_, held := none.match("1", nil)
	assert.Empty(t, held, "a trace without assessments is nobody's to review")
}

func TestInputs(t *testing.T) {
	t.Parallel()
	passFail := mlflow.LabelInput{PassFail: &mlflow.PassFailInput{Positive: "Pass", Negative: "Fail"}}
	numeric := mlflow.LabelInput{Numeric: &mlflow.NumericInput{}}
	text := mlflow.LabelInput{Text: &mlflow.TextInput{}}
	got := inputs([]string{"bool", "int", "float", "text", "composite", "map", "none", "first"}, []store.Record{
		code("bool", assessment.False), code("int", "1"), code("float", "0.5", failedOne), code("text", `"x"`),
		code("composite", `{"overall_score":1}`, passedOne), code("map", `{}`), code("none", ""), code("other", "1"),
		code("first", ""), code("first", "1"), code("first", `"x"`),
	})
	assert.Equal(t, map[string]mlflow.LabelInput{
		"bool": passFail, "int": numeric, "float": numeric, "text": text, "composite": passFail, "map": text, "first": numeric,
	}, got)
}

func FuzzDivided(f *testing.F) {
	for _, text := range []string{``, `[]`, `[{"value":1},{"value":2}]`, `[{"value":{"a":[1]}},{"value":null}]`, `{"b":[1e3]}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		divided(text)
		if json.Valid([]byte(text)) && divided(`[{"value":`+text+`},{"value":`+text+`}]`) {
			t.Error("the same vote twice is unanimous")
		}
	})
}
