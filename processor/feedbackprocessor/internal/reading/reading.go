// Package reading puts what a user says of a span's content in the place of what its convention says.
package reading

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/genai"
	"github.com/otelcol-feedback/otelcol-feedback/processor/feedbackprocessor/internal/spanottl"
)

// Config names OTTL value expressions, in span context with context names (`span.attributes["x"]`), that win over every
// convention. Nil, or a text with `<nil>` in it, which is what Concat makes of nil, means that the span does not carry
// the part; so does an expression that fails, which is counted. A span of no convention for which question or answer
// gives a text is an interaction of kind llm.
type Config struct {
	// Question is what was asked. Default: as the span's convention has it, here and below.
	Question string `mapstructure:"question"`
	// Answer is what was answered.
	Answer string `mapstructure:"answer"`
	// System is the system text.
	System string `mapstructure:"system"`
	// Context is the retrieved context.
	Context string `mapstructure:"context"`
	// Expected is what a correct answer says, for judges that hold answers against it. No convention has it.
	Expected string `mapstructure:"expected"`
	// ConversationID is the id of the session or thread.
	ConversationID string `mapstructure:"conversation_id"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var _ confmap.Validator = (*Config)(nil)

// keyConversation is the key of what is no part.
const keyConversation = "conversation_id"

// source is one key with what is written for it.
type source struct{ key, text string }

// given are the keys that are written.
func (c *Config) given() []source {
	all := []source{
		{string(genai.PartQuestion), c.Question},
		{string(genai.PartAnswer), c.Answer},
		{string(genai.PartSystem), c.System},
		{string(genai.PartContext), c.Context},
		{string(genai.PartExpected), c.Expected},
		{keyConversation, c.ConversationID},
	}
	return slices.DeleteFunc(all, func(s source) bool { return s.text == "" })
}

// Validate implements confmap.Validator.
func (c *Config) Validate() error {
	_, err := New(c, component.TelemetrySettings{Logger: zap.NewNop()})
	return err
}

// Reader evaluates the expressions. It is safe for concurrent use.
type Reader struct{ expressions []expression }

type expression struct {
	key      string
	compiled *ottl.ValueExpression[*ottlspan.TransformContext]
}

// New compiles the expressions; it returns nil where none is given.
func New(cfg *Config, set component.TelemetrySettings) (*Reader, error) {
	given := cfg.given()
	if len(given) == 0 {
		return nil, nil //nolint:nilnil // nothing to read is no error
	}
	parser, err := spanottl.NewParser(set)
	if err != nil {
		return nil, err
	}
	r := &Reader{}
	var errs []error
	for _, one := range given {
		compiled, err := parser.ParseValueExpression(one.text)
		if err != nil {
			errs = append(errs, fmt.Errorf("`%s` is %q, which is no OTTL value expression such as span.attributes[\"app.%s\"]: %w", one.key, one.text, one.key, err))
			continue
		}
		r.expressions = append(r.expressions, expression{one.key, compiled})
	}
	return r, errors.Join(errs...)
}

// Read gives an interaction what the expressions say of its span. It returns how many of them failed.
func (r *Reader) Read(ctx context.Context, span *ottlspan.TransformContext, i *genai.Interaction) (failed int) {
	for _, one := range r.expressions {
		result, err := one.compiled.Eval(ctx, span)
		if err != nil {
			failed++
		}
		if text := textOf(result); one.key == keyConversation {
			i.GiveConversation(text)
		} else {
			i.Give(genai.Part(one.key), text)
		}
	}
	return failed
}

// textOf renders a result; what is no text becomes JSON, as OTTL itself would make it.
func textOf(result any) string {
	var text string
	switch value := result.(type) {
	case string:
		text = value
	case []byte:
		text = string(value)
	case bool, int64, float64:
		text = fmt.Sprint(value)
	case pcommon.Value:
		text = value.AsString()
	case pcommon.Map:
		wrapped := pcommon.NewValueMap()
		value.CopyTo(wrapped.Map())
		text = wrapped.AsString()
	case pcommon.Slice:
		wrapped := pcommon.NewValueSlice()
		value.CopyTo(wrapped.Slice())
		text = wrapped.AsString()
	}
	if strings.Contains(text, "<nil>") {
		return ""
	}
	return text
}
