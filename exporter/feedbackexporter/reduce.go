package feedbackexporter

import (
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// reducer takes the results out of batches before they are queued: decoded, validated, bounded, and written anew as
// log records, so that the queue never holds the content of a span unless it is to be stored.
type reducer struct {
	trustHuman bool
	maxSize    int
	keeper     keeper
}

// reduced is what of a batch goes on.
type reduced struct {
	// logs is made with the first result, so that a batch without any allocates nothing.
	logs    plog.Logs
	records plog.LogRecordSlice
	taken   int
	refused []assessment.SourceType
	// wholes are the index' records about whole traces, of which a batch has one a value.
	wholes map[whole]plog.LogRecord
}

// append makes room for one more record.
func (r *reduced) append() plog.LogRecord {
	if r.taken == 0 {
		r.logs = plog.NewLogs()
		r.records = r.logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	}
	r.taken++
	return r.records.AppendEmpty()
}

// add takes a result, or counts it as refused.
func (r *reduced) add(a *assessment.Assessment, err error) {
	if err != nil {
		r.refused = append(r.refused, a.Source.Type)
		return
	}
	assessment.EncodeLogRecord(r.append(), a)
}

func (r *reducer) options(scope string) assessment.DecodeOptions {
	return assessment.DecodeOptions{Scope: scope, TrustHuman: r.trustHuman, MaxSize: r.maxSize}
}

// traces finds the results on spans and those that evaluators' own spans make of other spans.
func (r *reducer) traces(td ptrace.Traces) reduced {
	var out reduced
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				before := out.taken
				r.span(span, ss.Scope().Name(), &out)
				if r.keeper.keeps() {
					r.keeper.span(rs.Resource(), ss.Scope(), span, out.taken > before, &out)
				}
			}
		}
	}
	return out
}

func (r *reducer) span(span ptrace.Span, scope string, out *reduced) {
	if assessment.IsEvaluatorSpan(span) {
		results, refused := assessment.DecodeEvaluatorSpan(span, r.options(scope))
		for i := range results {
			out.add(&results[i], nil)
		}
		for _, refusal := range refused {
			out.refused = append(out.refused, refusal.Source)
		}
		return
	}
	for _, ev := range span.Events().All() {
		if assessment.IsResult(ev) {
			a, err := assessment.DecodeSpanEvent(span, ev, r.options(scope))
			out.add(&a, err)
		}
	}
}

// logs finds the records that are results.
func (r *reducer) logs(ld plog.Logs) reduced {
	var out reduced
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if assessment.IsResultRecord(lr) {
					a, err := assessment.DecodeLogRecord(lr, r.options(sl.Scope().Name()))
					out.add(&a, err)
				}
			}
		}
	}
	return out
}

// queued is what a queued batch holds.
type queued struct {
	results  []assessment.Assessment
	refused  []assessment.SourceType
	entries  []store.IndexEntry
	contents []store.SpanContent
}

// decode reads a queued batch.
func (r *reducer) decode(ld plog.Logs) queued {
	q := queued{results: make([]assessment.Assessment, 0, ld.LogRecordCount())}
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				switch lr.EventName() {
				case eventIndex:
					q.entries = appendEntries(q.entries, lr)
				case eventContent:
					q.contents = append(q.contents, decodeContent(lr))
				default:
					r.decodeResult(lr, &q)
				}
			}
		}
	}
	return q
}

func (r *reducer) decodeResult(lr plog.LogRecord, q *queued) {
	a, err := assessment.DecodeLogRecord(lr, r.options(""))
	if err != nil { // queued by another version, or under another configuration
		q.refused = append(q.refused, a.Source.Type)
		return
	}
	q.results = append(q.results, a)
}
