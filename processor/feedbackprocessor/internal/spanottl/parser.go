// Package spanottl makes the OTTL parser that all expressions of the processor go through, so that each of them knows
// the same functions and paths.
package spanottl

import (
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"go.opentelemetry.io/collector/component"
)

// NewParser returns a parser in span context, with all standard converters and IsRootSpan. Paths say their context:
// `span.name`, `resource.attributes["x"]`.
func NewParser(set component.TelemetrySettings) (ottl.Parser[*ottlspan.TransformContext], error) {
	functions := ottlfuncs.StandardConverters[*ottlspan.TransformContext]()
	isRoot := ottlfuncs.NewIsRootSpanFactory()
	functions[isRoot.Name()] = isRoot
	return ottlspan.NewParser(functions, set, ottlspan.EnablePathContextNames())
}
