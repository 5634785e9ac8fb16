package check

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
)

// compliance is the check of MLflow's guide as a user writes it.
const compliance = `
source_id: compliance_validator_v2.1
kinds: [llm]
conditions: []
parts:
  has_disclaimer:
    contains: {any: ["This is not financial advice"]}
    explain: Missing required disclaimer
  appropriate_length:
    length: {min: 50, max: 500}
    explain: "Response length {{.Length}} outside acceptable range"
  contains_prohibited_terms:
    contains: {any: [guaranteed returns, risk-free, get rich quick], ignore_case: true}
    expect: false
    explain: "Contains prohibited terms: {{.Found}}"
explain_passed: All compliance checks passed
`

// expectation is a line that `python3 test/compliance/reference.py --generate` wrote.
type expectation struct {
	Answer    string
	Value     json.RawMessage
	Rationale string
}

func expectations(tb testing.TB) []expectation {
	tb.Helper()
	file, err := os.Open("testdata/compliance.jsonl")
	require.NoError(tb, err)
	defer file.Close()
	var list []expectation
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e expectation
		require.NoError(tb, json.Unmarshal(lines.Bytes(), &e))
		list = append(list, e)
	}
	require.NoError(tb, lines.Err())
	return list
}

// TestComplianceIsMLflows holds the check against the Python function, character for character.
func TestComplianceIsMLflows(t *testing.T) {
	t.Parallel()
	c := newCheck(t, compliance)
	assert.Equal(t, "compliance_validator_v2.1", c.SourceID())
	list := expectations(t)
	require.GreaterOrEqual(t, len(list), 300)
	for i, e := range list {
		result := evaluate(t, c, answer(e.Answer))
		assert.Nil(t, result.Error)
		assert.Equal(t, string(e.Value), string(result.Value), "answer %d %q", i, e.Answer)
		assert.Equal(t, e.Rationale, result.Rationale, "answer %d %q", i, e.Answer)
		passed := strings.HasPrefix(string(e.Value), `{"overall_score":1.0,`)
		assert.Equal(t, assessment.VerdictOf(passed), result.Verdict, "answer %d %q", i, e.Answer)
		canonical, err := assessment.ParseValue([]byte(result.Value))
		require.NoError(t, err)
		assert.Equal(t, canonical, result.Value, "a value has one spelling")
	}
}

// TestConcurrentUse lets evaluations share what is pooled; the race detector and the results must not mind.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	c := newCheck(t, compliance)
	list := expectations(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for _, e := range list {
				result, state := c.Evaluate(t.Context(), answer(e.Answer))
				if state != genai.StateText || string(result.Value) != string(e.Value) || result.Rationale != e.Rationale {
					t.Errorf("got %s for %q", result.Value, e.Answer)
				}
			}
		})
	}
	group.Wait()
}

// TestConfigurationFile keeps the shipped configuration and this test's check the same.
func TestConfigurationFile(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("../../../../config/compliance.yaml")
	require.NoError(t, err)
	indented := func(text string) string {
		return "        " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        ") + "\n"
	}
	written := strings.Replace(compliance, "conditions: []\n", "", 1)
	assert.Contains(t, string(file), "compliance_check:\n"+indented(written))
}

// typical is an answer of 900 bytes that breaks one rule, its length.
var typical = "Investments can go down as well as up. This is not financial advice. " +
	strings.Repeat("Diversified funds spread the risk over many companies. ", 16)[:831]

func BenchmarkCompliance(b *testing.B) {
	passing := "This is not financial advice. " + strings.Repeat("Diversified funds spread the risk. ", 13)
	for _, bench := range []struct{ name, answer string }{
		{"passes/485_bytes", passing},
		{"one_fails/900_bytes", typical},
		{"all_fail/900_bytes", strings.ReplaceAll(typical, "This is not financial advice", "Guaranteed Returns, risk-free")[:900]},
		{"typographic/900_bytes", strings.ReplaceAll(typical, "the risk", "the “r”")[:900]},
		{"greek/900_bytes", strings.ReplaceAll(typical, "risk", "ΡΊΣΚ")[:900]},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newCheck(b, compliance)
			subject := answer(bench.answer)
			b.SetBytes(int64(len(bench.answer)))
			b.ReportAllocs()
			for b.Loop() {
				if result, _ := c.Evaluate(b.Context(), subject); result.Value == "" {
					b.Fatal("no value")
				}
			}
		})
	}
}
