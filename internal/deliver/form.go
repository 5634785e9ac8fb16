package deliver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// maxHeldDepth bounds a value's nesting. MLflow 3.17 keeps feedback with deeper objects and then fails on every reading of
// its trace.
const maxHeldDepth = 32

var errNotHeld = errors.New("the backend has no form for this value")

// hold gives the form of an assessment that the backend can hold; what differs only in what is lost on the way has the
// same form. It covers what can be compared: ids, times, overrides and validity are not part of it. A form's form is
// itself.
func hold(a *assessment.Assessment) (assessment.Assessment, error) {
	held := assessment.Assessment{
		SpanID:    text(a.SpanID),
		Name:      text(a.Name),
		Kind:      a.Kind,
		Source:    assessment.Source{Type: a.Source.Type, ID: text(a.Source.ID)},
		Rationale: text(a.Rationale),
		Metadata:  holdMetadata(a),
	}
	switch a.Source.Type {
	case assessment.SourceTypeCode, assessment.SourceTypeLLMJudge, assessment.SourceTypeHuman:
	default:
		held.Source.Type = assessment.SourceTypeUnspecified
	}
	switch held.Kind {
	case assessment.KindExpectation:
		held.Rationale = "" // dropped by MLflow, on create and update
	case assessment.KindIssue:
	default:
		held.Kind = assessment.KindFeedback
		if e := a.Error; e != nil {
			held.Error = &assessment.Error{
				Code: text(e.Code), Message: text(e.Message), StackTrace: text(e.StackTrace),
			}
		}
	}
	if t := a.Value.Type(); held.Kind == assessment.KindExpectation &&
		(t == assessment.ValueTypeList || t == assessment.ValueTypeMap) {
		held.Value = a.Value // MLflow keeps the JSON text of these
		return held, nil
	}
	value, err := holdValue(a.Value)
	held.Value = value
	return held, err
}

func holdMetadata(a *assessment.Assessment) map[string]string {
	if len(a.Metadata) == 0 && a.Fingerprint == "" {
		return nil
	}
	held := make(map[string]string, len(a.Metadata)+1)
	for _, key := range slices.Sorted(maps.Keys(a.Metadata)) { // in order, because two keys may become one
		held[text(key)] = text(a.Metadata[key])
	}
	if a.Fingerprint != "" {
		held[assessment.MetadataFingerprint] = text(a.Fingerprint)
	}
	return held
}

// holdValue spells a value as MLflow's store does: every number a double, keys sorted, no lone surrogates.
func holdValue(value assessment.Value) (assessment.Value, error) {
	if value == "" {
		return "", nil
	}
	decoder := json.NewDecoder(strings.NewReader(string(value)))
	decoder.UseNumber()
	var parsed any
	if decoder.Decode(&parsed) != nil {
		return "", errNotHeld
	}
	if parsed == nil {
		return "", nil
	}
	doubled, err := doubles(parsed, 0)
	if err != nil {
		return "", err
	}
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(doubled) != nil {
		return "", errNotHeld
	}
	return assessment.Value(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

func doubles(value any, depth int) (any, error) {
	if depth > maxHeldDepth {
		return nil, errNotHeld
	}
	var err error
	switch value := value.(type) {
	case json.Number:
		f, err := strconv.ParseFloat(string(value), 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, errNotHeld
		}
		return json.RawMessage(assessment.Float(f)), nil
	case []any:
		for i := range value {
			if value[i], err = doubles(value[i], depth+1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range value {
			if value[key], err = doubles(value[key], depth+1); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// text is s as any of MLflow's databases takes it.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// merged is ours as an update leaves it on a row: the row's metadata keys stay.
func merged(ours, row assessment.Assessment) assessment.Assessment {
	if len(row.Metadata) > 0 {
		metadata := maps.Clone(row.Metadata)
		maps.Copy(metadata, ours.Metadata)
		ours.Metadata = metadata
	}
	return ours
}

// agree reports whether the backend's row holds all of ours. Both are forms.
func agree(ours, row assessment.Assessment) bool {
	return digest(merged(ours, row)) == digest(row)
}

// digest identifies a form. Its fields are named here, so that a new field of the record changes no digest.
func digest(form assessment.Assessment) string {
	content, err := json.Marshal(struct {
		Kind      assessment.Kind
		Name      string
		SpanID    string
		Source    assessment.Source
		Value     assessment.Value
		Error     *assessment.Error
		Rationale string
		Metadata  map[string]string
	}{form.Kind, form.Name, form.SpanID, form.Source, form.Value, form.Error, form.Rationale, form.Metadata})
	if err != nil {
		return "" // a form's value is valid JSON, so this is not reached
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:12])
}

// base is what Delivery.Form holds: the digests of what Redis said and of what the backend held at their last
// agreement. The two differ by what the backend keeps beyond ours, such as metadata keys that cannot be removed.
type base struct {
	ours, theirs string
	// at is the backend's time of the row's last change, zero where it is not known.
	at time.Time
}

// agreement is the base of two forms that agree. A row's time may lie ahead: the backend keeps what a client sent. It
// counts from now then, or the next change there would seem to be older.
func agreement(ours, theirs string, rowTime, now time.Time) base {
	if rowTime.After(now) {
		rowTime = now
	}
	return base{ours: ours, theirs: theirs, at: rowTime}
}

const (
	basePrefix      = "1:"
	basePrefixTimed = "2:"
)

func (b base) String() string {
	if b.at.IsZero() {
		return basePrefix + b.ours + ":" + b.theirs
	}
	return basePrefixTimed + b.ours + ":" + b.theirs + ":" + strconv.FormatInt(b.at.UnixMilli(), 10)
}

// parseBase reads a Delivery.Form; a form that another version wrote is unknown.
func parseBase(form string) (b base, ok bool) {
	rest, timed := strings.CutPrefix(form, basePrefixTimed)
	if timed {
		last := strings.LastIndexByte(rest, ':')
		millis, err := strconv.ParseInt(rest[last+1:], 10, 64)
		if last < 0 || err != nil {
			return base{}, false
		}
		rest, b.at = rest[:last], time.UnixMilli(millis).UTC()
	} else if rest, ok = strings.CutPrefix(form, basePrefix); !ok {
		return base{}, false
	}
	b.ours, b.theirs, ok = strings.Cut(rest, ":")
	return b, ok
}

// restored reports whether a row that differs from the agreement is an older state of it: time goes back in a backend
// only where a backup was put in its place, and what that holds is nobody's work.
func (b base) restored(theirs string, rowTime time.Time) bool {
	return theirs != b.theirs && rowTime.Before(b.at)
}

// formless stands in a base for what the backend has no form for, so that whatever comes after it is new.
const formless = "-"

// tried stands in a base for a form that was written and came back different, so that it counts as changed here.
func tried(form assessment.Assessment) string { return "!" + digest(form) }

// overtaken reports whether a row holds a state of ours that was replaced here after the last agreement: a write whose
// outcome was not noted before the next change. The row's time is then the write's, and nobody changed it there.
func overtaken(record *store.Record, row assessment.Assessment, last base) bool {
	for i := len(record.History) - 1; i >= 0; i-- {
		change := &record.History[i]
		form, err := hold(&change.Old)
		if change.Door == doorBackend || !change.Time.After(last.at) || err == nil && digest(form) == last.ours {
			return false
		}
		if err == nil && agree(form, row) {
			return true
		}
	}
	return false
}
