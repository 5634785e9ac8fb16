package sampling

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// subject is a span with what its checks said.
type subject struct {
	resource ptrace.ResourceSpans
	scope    ptrace.ScopeSpans
	span     ptrace.Span
	failed   []string
	draws    Draws
	ottl     *ottlspan.TransformContext

	drawn, asked int
}

var _ Subject = (*subject)(nil)

func newSubject(failed ...string) *subject {
	resource := ptrace.NewTraces().ResourceSpans().AppendEmpty()
	scope := resource.ScopeSpans().AppendEmpty()
	s := &subject{resource: resource, scope: scope, span: scope.Spans().AppendEmpty(), failed: failed}
	s.ottl = ottlspan.NewTransformContext(s.resource, s.scope, s.span)
	s.at(pcommon.TraceID{1}, "")
	return s
}

// at moves the span to another trace.
func (s *subject) at(id pcommon.TraceID, tracestate string) *subject {
	s.span.SetTraceID(id)
	s.span.TraceState().FromRaw(tracestate)
	s.draws.Turn(s.span)
	return s
}

func (s *subject) Draw(cohort string) Draw {
	s.drawn++
	return s.draws.In(cohort)
}

func (s *subject) OTTL() *ottlspan.TransformContext {
	s.asked++
	return s.ottl
}

func (s *subject) CheckFailed(name string) bool { return slices.Contains(s.failed, name) }

func newSampler(tb testing.TB, rules ...RuleConfig) *Sampler {
	tb.Helper()
	sampler, err := New(DefaultCohort, rules, componenttest.NewNopTelemetrySettings())
	require.NoError(tb, err)
	return sampler
}

// newRate samples everything at a rate.
func newRate(tb testing.TB, rate float64) *Sampler {
	tb.Helper()
	return newSampler(tb, RuleConfig{Name: "rest", Rate: rate})
}

// decide decides where no condition can fail.
func decide(sampler *Sampler, s *subject) Decision {
	return sampler.Decide(context.Background(), s, unexpected)
}

func unexpected(failure Failure) {
	panic("a condition failed: " + failure.Condition)
}

func randomID(random *rand.Rand) (id pcommon.TraceID) {
	binary.BigEndian.PutUint64(id[:8], random.Uint64())
	binary.BigEndian.PutUint64(id[8:], random.Uint64())
	return id
}
