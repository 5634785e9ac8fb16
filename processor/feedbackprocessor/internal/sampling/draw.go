package sampling

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Draw is what chance decided about one subject: the same on every replica, for all spans of a trace.
type Draw struct {
	randomness sampling.Randomness
	upstream   float64
}

// NewDraw draws for a span. The trace's explicit randomness (`rv` of the tracestate), else its whole trace id, is
// hashed together with the cohort: an SDK's or collector's own sampler looks at the same bits, and what it kept would
// otherwise be a biased draw. The upstream probability is that of the tracestate's `ot=th`, else 1.
func NewDraw(cohort string, span ptrace.Span) Draw {
	var stack [128]byte
	buf := binary.BigEndian.AppendUint32(stack[:0], uint32(len(cohort)))
	buf = append(buf, cohort...)
	draw := Draw{upstream: 1}
	state, ok := otelState(span.TraceState().AsRaw())
	if threshold, has := state.TValueThreshold(); ok && has {
		draw.upstream = threshold.Probability()
	}
	if explicit, has := state.RValueRandomness(); ok && has {
		buf = binary.BigEndian.AppendUint64(append(buf, 'r'), explicit.Unsigned())
	} else {
		id := span.TraceID()
		buf = append(append(buf, 't'), id[:]...)
	}
	sum := sha256.Sum256(buf)
	// Below 2^56 by construction, so that there is no error to handle.
	draw.randomness, _ = sampling.UnsignedToRandomness(binary.BigEndian.Uint64(sum[:]) >> 8)
	return draw
}

// Draws keeps the draws of one span, so that the judges of a cohort share one. The zero value has no span.
type Draws struct {
	span  ptrace.Span
	known []cohortDraw
}

type cohortDraw struct {
	cohort string
	draw   Draw
}

// Turn turns to another span.
func (d *Draws) Turn(span ptrace.Span) {
	d.span, d.known = span, d.known[:0]
}

// In is the span's draw in a cohort.
func (d *Draws) In(cohort string) Draw {
	for i := range d.known {
		if d.known[i].cohort == cohort {
			return d.known[i].draw
		}
	}
	draw := NewDraw(cohort, d.span)
	d.known = append(d.known, cohortDraw{cohort, draw})
	return draw
}

// otelState reads the OpenTelemetry entry of a tracestate. ok is false where there is none, or none that can be
// trusted as a whole.
func otelState(raw string) (state sampling.OpenTelemetryTraceState, ok bool) {
	if !strings.Contains(raw, "ot=") {
		return state, false
	}
	w3c, err := sampling.NewW3CTraceState(raw)
	if err != nil {
		return state, false
	}
	return *w3c.OTelValue(), true
}
