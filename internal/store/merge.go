package store

import (
	"maps"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// maxHistory bounds the replaced states that a record keeps; the oldest are forgotten.
const maxHistory = 16

// The doors that a change comes in through.
const (
	doorTelemetry = "telemetry"
	doorBackend   = "backend"
)

// The reasons of a change.
const (
	reasonFingerprint        = "fingerprint"
	reasonValueReplacesError = "value_replaces_error"
	reasonPerson             = "person"
	reasonBackend            = "backend"
)

// merging is what a write makes of the records of one trace.
type merging struct {
	trace trace
	// now is Redis' clock.
	now        time.Time
	maxRecords int
	maxSize    int
	// changed are the ids of the records to write, in the order of their first change.
	changed []string
	// texts are their documents.
	texts map[string]string
	// overriding counts the new records among them that override another one.
	overriding int
	byPerson   bool
}

// put applies one assessment.
func (m *merging) put(a *assessment.Assessment) Outcome {
	if m.trace.unreadable[a.ID] {
		return OutcomeRefused
	}
	old, known := m.trace.records[a.ID]
	if !known {
		if m.trace.size >= m.maxRecords {
			return OutcomeRefused
		}
		record := newRecord(a, m.now)
		m.inherit(&record)
		if !m.write(record) {
			return OutcomeRefused
		}
		if a.Overrides != "" {
			m.overriding++
		}
		m.override(a)
		return OutcomeStored
	}
	reason := replaces(&old, a)
	if reason == "" {
		m.override(a) // an earlier try may have ended between the two
		return OutcomeUnchanged
	}
	record := replace(&old, a, reason, m.now)
	if !m.write(record) {
		return OutcomeRefused
	}
	m.override(a)
	return OutcomeUpdated
}

func newRecord(a *assessment.Assessment, now time.Time) Record {
	r := Record{Assessment: *a, Version: RecordVersion, Revision: 1, Door: doorTelemetry}
	if r.CreateTime.IsZero() {
		r.CreateTime = now
	}
	if r.UpdateTime.IsZero() {
		r.UpdateTime = r.CreateTime
	}
	if !a.Source.Type.Automated() {
		r.Touched, r.Author = true, a.Source.ID
	}
	return r
}

// inherit marks a record that was overridden before it came.
func (m *merging) inherit(r *Record) {
	for id := range m.trace.records {
		over := m.trace.records[id]
		if over.Overrides == r.ID && over.Deleted.IsZero() && mayOverride(&over.Assessment, r) {
			r.Invalid = true
			if !over.Source.Type.Automated() {
				r.Touched, r.Author = true, over.Author
			}
		}
	}
}

// override marks the record that a replaces.
func (m *merging) override(a *assessment.Assessment) {
	if a.Overrides == "" || m.trace.records[a.ID].Overrides != a.Overrides || !m.trace.records[a.ID].Deleted.IsZero() {
		return
	}
	original, known := m.trace.records[a.Overrides]
	if !known || original.Version > RecordVersion || !original.Deleted.IsZero() || !mayOverride(a, &original) {
		return
	}
	byPerson := !a.Source.Type.Automated()
	if original.Invalid && (original.Touched || !byPerson) {
		return
	}
	original.Invalid = true
	original.Author = ""
	if byPerson {
		original.Touched, original.Author = true, a.Source.ID
	}
	original.Revision++
	original.UpdateTime = m.now
	m.write(original)
}

// mayOverride says whether a may make the original invalid: automation leaves alone what a person touched.
func mayOverride(a *assessment.Assessment, original *Record) bool {
	return !a.Source.Type.Automated() || !original.Touched
}

// replaces says why a replaces the record of its id, or "" if it does not (rule 3 of the design).
func replaces(old *Record, a *assessment.Assessment) string {
	if old.Version > RecordVersion || !old.Deleted.IsZero() || sameContent(&old.Assessment, a) {
		return ""
	}
	if !a.Source.Type.Automated() {
		// A person's words: the later ones stand. Without a time of their own they are of now.
		if a.UpdateTime.IsZero() && a.CreateTime.IsZero() || latest(a).After(latest(&old.Assessment)) {
			return reasonPerson
		}
		return ""
	}
	switch {
	case old.Touched, !old.Source.Type.Automated(), old.Invalid:
		return ""
	case old.Value != "" && a.Value == "":
		return ""
	case a.Fingerprint != "" && !old.had(a.Fingerprint):
		return reasonFingerprint
	case old.Value == "" && a.Value != "" && (a.Fingerprint == "" || a.Fingerprint == old.Fingerprint):
		return reasonValueReplacesError
	}
	return ""
}

// had says whether the record holds, or held, a result of the evaluator's version: a batch that comes late does not
// bring an older version's result back.
func (r *Record) had(fingerprint string) bool {
	if r.Fingerprint == fingerprint {
		return true
	}
	for i := range r.History {
		if r.History[i].Old.Fingerprint == fingerprint {
			return true
		}
	}
	return false
}

func latest(a *assessment.Assessment) time.Time {
	if a.UpdateTime.After(a.CreateTime) {
		return a.UpdateTime
	}
	return a.CreateTime
}

// sameContent compares all but times and validity.
func sameContent(a, b *assessment.Assessment) bool {
	sameError := a.Error == b.Error || a.Error != nil && b.Error != nil && *a.Error == *b.Error
	return sameError && a.SpanID == b.SpanID && a.Name == b.Name && a.Kind == b.Kind && a.Source == b.Source &&
		a.Value == b.Value && a.Rationale == b.Rationale && a.Verdict == b.Verdict &&
		a.Fingerprint == b.Fingerprint && a.ResponseID == b.ResponseID && a.Overrides == b.Overrides &&
		maps.Equal(a.Metadata, b.Metadata)
}

func replace(old *Record, a *assessment.Assessment, reason string, now time.Time) Record {
	r := *old
	r.History = append(append([]Change(nil), old.History...), Change{
		Time: now, Author: authorOf(a), Door: doorTelemetry, Reason: reason, Old: old.Assessment,
	})
	r.Assessment = *a
	r.CreateTime, r.Invalid = old.CreateTime, old.Invalid
	if r.UpdateTime = latest(a); r.UpdateTime.IsZero() {
		r.UpdateTime = now
	}
	r.Author = authorOf(a)
	r.Touched = old.Touched || !a.Source.Type.Automated()
	r.Revision = old.Revision + 1
	return r
}

func authorOf(a *assessment.Assessment) string {
	if a.Source.Type.Automated() {
		return ""
	}
	return a.Source.ID
}

// write notes a record to be written; it reports false if the record is too large.
func (m *merging) write(r Record) bool {
	text, ok := fit(&r, m.maxSize)
	if !ok {
		return false
	}
	if m.texts == nil {
		m.texts = map[string]string{}
	}
	if _, again := m.texts[r.ID]; !again {
		m.changed = append(m.changed, r.ID)
	}
	m.texts[r.ID] = text
	if _, known := m.trace.records[r.ID]; !known {
		m.trace.size++
	}
	m.trace.records[r.ID] = r
	m.byPerson = m.byPerson || r.Touched
	return true
}

// fit encodes the record, with as much of its history, newest first, as the bounds allow.
func fit(r *Record, maxSize int) (string, bool) {
	if over := len(r.History) - maxHistory; over > 0 {
		r.History = r.History[over:]
	}
	for {
		text := appendRecord(nil, r)
		if len(text) <= maxSize {
			return string(text), true
		}
		if len(r.History) == 0 {
			return "", false
		}
		r.History = r.History[1:]
	}
}
