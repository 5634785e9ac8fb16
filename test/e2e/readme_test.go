//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestFeedbackReadme runs the README's examples as they stand, in their order, against a collector.
func TestFeedbackReadme(t *testing.T) {
	s := newStack(t)
	c := s.collector("collector", nil, "config/feedback-api.yaml")
	e := newExchange("Where is the Eiffel tower?", "In Paris.")
	traces := spans(e)
	for _, span := range traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		if span.SpanID() == e.llm {
			span.Attributes().PutStr("gen_ai.response.id", "chatcmpl-1")
		}
	}
	require.NoError(t, c.Traces(t.Context(), traces))
	s.eachOnce([]exchange{e}, time.Minute, "has_disclaimer")

	text, err := os.ReadFile("extension/feedbackextension/README.md")
	require.NoError(t, err)
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		switch block[1] {
		case "bash":
			script.WriteString(block[2])
		case "python":
			fmt.Fprintf(&script, "python - <<'END'\n%sEND\n", block[2])
		}
	}
	command := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	command.Env = append(os.Environ(), "FEEDBACK="+c.feedback, "TRACE="+e.mlflowID(),
		"PATH="+filepath.Dir(os.Getenv("MLFLOW"))+":"+os.Getenv("PATH"))
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	for _, want := range []string{
		"True\nTrue\n",               // the client's two prints
		`"curt"`,                     // the update with curl
		`"assessment_id": "click-1"`, // found by its response id
		`"status": "pending"`,        // no span has the attribute yet
		`"reason": "deleted"`,        // the history of the deleted one
		`"record"`,                   // a page
		`"traces":`,                  // the restore
	} {
		require.Contains(t, string(output), want)
	}
}
