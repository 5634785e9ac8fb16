package proxy

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/otelcol-feedback/otelcol-feedback/internal/mlflow"
)

// span is a stretch of a document.
type span struct{ start, end int }

func (s span) of(document []byte) []byte { return document[s.start:s.end] }

// traceInfo is where one trace's assessments stand in an answer.
type traceInfo struct {
	// traceID is the OTLP one, empty for a trace that does not come from OTLP.
	traceID string
	// experiment is the id of the one that the trace is in, empty where it is in none.
	experiment string
	// assessments is the array, empty without one; rows are its elements.
	assessments span
	rows        []span
	// member is the array with its key and one comma: what is left out when no row is left.
	member span
	// end is where the object ends, before its bracket; bare says that nothing stands in it.
	end  int
	bare bool
}

var errNotReadable = errors.New("the answer is not of the form that MLflow's have")

// findTraces finds the traces of an answer, in order: those of `traces`, `trace_infos` and `trace`, each the info itself
// or an object with `trace_info`. It reads only as much of the document as it takes to skip the rest.
func findTraces(document []byte) ([]traceInfo, error) {
	s := &scanner{text: document}
	var traces []traceInfo
	err := s.object(func(key string, _ span) error {
		switch key {
		case "traces", "trace_infos":
			if s.peek() == '[' {
				return s.array(func() error { return s.trace(&traces) })
			}
		case "trace":
			return s.trace(&traces)
		}
		return s.skip()
	})
	if err != nil || s.peek() != 0 {
		return nil, errNotReadable
	}
	return traces, nil
}

// scanner walks over JSON. What it skips it takes as it is: MLflow wrote it.
type scanner struct {
	text []byte
	at   int
}

// trace reads an info, or an object around one.
func (s *scanner) trace(traces *[]traceInfo) error {
	if s.peek() != '{' {
		return s.skip()
	}
	var wrapped []traceInfo
	found := false
	own, err := s.info(func() error {
		if found || s.peek() != '{' {
			return errNotReadable
		}
		found = true
		inner, err := s.info(s.skip)
		wrapped = append(wrapped, inner)
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		wrapped = append(wrapped, own)
	}
	*traces = append(*traces, wrapped...)
	return nil
}

// info reads an object; inner is called at the value of `trace_info`.
func (s *scanner) info(inner func() error) (traceInfo, error) {
	info := traceInfo{bare: true}
	seen := map[string]bool{}
	closing := -1 // what the first member's comma ends, where that is the assessments
	err := s.object(func(key string, member span) error {
		if closing >= 0 {
			info.member.end, closing = member.start+1, -1
		}
		info.bare = false
		switch key {
		case "trace_id", "assessments", "trace_info":
			if seen[key] {
				return errNotReadable // which of them counts is for each reader to say
			}
			seen[key] = true
		}
		switch key {
		case "trace_info":
			return inner()
		case "trace_id":
			value, err := s.value()
			if err != nil {
				return err
			}
			if text := value.of(s.text); text[0] == '"' {
				info.traceID, _ = mlflow.OTLPTraceID(string(text[1 : len(text)-1]))
			}
			return nil
		case "trace_location":
			value, err := s.value()
			info.experiment = experimentOf(value.of(s.text))
			return err
		case "assessments":
			start := s.at
			err := s.array(func() error {
				row, err := s.value()
				info.rows = append(info.rows, row)
				return err
			})
			info.assessments = span{start, s.at}
			info.member = span{member.start, s.at}
			if s.text[member.start] != ',' {
				closing = s.at
			}
			return err
		default:
			return s.skip()
		}
	})
	info.end = s.at - 1
	return info, err
}

// object reads the object here, and calls member at each value. Its span reaches from the comma before the key, or from
// the key where it is the first, to the value.
func (s *scanner) object(member func(key string, at span) error) error {
	return s.list('{', '}', func(start int) error {
		if s.peek() != '"' {
			return errNotReadable
		}
		key, err := s.value()
		if err != nil {
			return err
		}
		if s.peek() != ':' {
			return errNotReadable
		}
		s.at++
		s.peek()
		return member(string(s.text[key.start+1:key.end-1]), span{start, s.at})
	})
}

// array reads the array here, and calls element at each of its elements.
func (s *scanner) array(element func() error) error {
	return s.list('[', ']', func(int) error { return element() })
}

// list reads what stands between brackets; item is given where it begins, comma included.
func (s *scanner) list(opening, closing byte, item func(start int) error) error {
	if s.peek() != opening {
		return errNotReadable
	}
	s.at++
	if s.peek() == closing {
		s.at++
		return nil
	}
	start := s.at
	for {
		s.peek()
		if err := item(start); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			start = s.at
			s.at++
		case closing:
			s.at++
			return nil
		default:
			return errNotReadable
		}
	}
}

// peek is the next byte that is no space, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) skip() error {
	_, err := s.value()
	return err
}

// value reads over the value here, of any depth.
func (s *scanner) value() (span, error) {
	s.peek()
	start, open := s.at, 0
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '"':
			if !s.str() {
				return span{}, errNotReadable
			}
		case '{', '[':
			open++
			s.at++
		case '}', ']', ',', ':', ' ', '\n', '\r', '\t':
			if open == 0 {
				return span{}, errNotReadable
			}
			if c == '}' || c == ']' {
				open--
			}
			s.at++
		default:
			for s.at < len(s.text) && !bytes.ContainsRune([]byte(`"{}[],: `+"\n\r\t"), rune(s.text[s.at])) {
				s.at++
			}
		}
		if open == 0 {
			return span{start, s.at}, nil
		}
	}
	return span{}, errNotReadable
}

// str reads over the string here.
func (s *scanner) str() bool {
	for s.at++; ; s.at++ {
		next := bytes.IndexByte(s.text[s.at:], '"')
		if next < 0 {
			return false
		}
		// The quote ends the string unless an odd number of backslashes stands before it.
		end, backslashes := s.at+next, 0
		for i := end - 1; i >= s.at && s.text[i] == '\\'; i-- {
			backslashes++
		}
		s.at = end
		if backslashes%2 == 0 {
			s.at++
			return true
		}
	}
}

// experimentOf reads a trace's location.
func experimentOf(location []byte) string {
	var at struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		} `json:"mlflow_experiment"`
	}
	_ = json.Unmarshal(location, &at) // another location is in none
	return at.Experiment.ID
}
