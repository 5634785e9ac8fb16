package judge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

// passRule makes the verdict of a value.
type passRule struct {
	// condition is nil when no pass_when is set.
	condition *ottl.Condition[pcommon.Value]
	boolean   bool
}

// newPassRule compiles a pass_when; its OTTL context has one path, `value`, whose keys are those of the output.
func newPassRule(passWhen string, output *outputForm, set component.TelemetrySettings) (*passRule, error) {
	rule := &passRule{boolean: output.boolean}
	if passWhen == "" {
		return rule, nil
	}
	parser, err := ottl.NewParser(ottlfuncs.StandardConverters[pcommon.Value](), valuePath(output), set)
	if err != nil {
		return nil, err
	}
	if rule.condition, err = parser.ParseCondition(passWhen); err != nil {
		return nil, err
	}
	return rule, nil
}

// verdict evaluates the rule on a value that encoding/json decoded.
func (r *passRule) verdict(ctx context.Context, decoded any) (assessment.Verdict, error) {
	if r.condition == nil {
		if passed, ok := decoded.(bool); ok && r.boolean {
			return assessment.VerdictOf(passed), nil
		}
		return assessment.VerdictNone, nil
	}
	value := pcommon.NewValueEmpty()
	if err := value.FromRaw(decoded); err != nil {
		return assessment.VerdictNone, err
	}
	passed, err := r.condition.Eval(ctx, value)
	if err != nil {
		return assessment.VerdictNone, err
	}
	return assessment.VerdictOf(passed), nil
}

var errReadOnly = errors.New("a value cannot be set")

// valuePath gives OTTL the path `value`. A first key that the output cannot have is an error at once: at run time it
// would only be a comparison that never holds.
func valuePath(output *outputForm) ottl.PathExpressionParser[pcommon.Value] {
	return func(path ottl.Path[pcommon.Value]) (ottl.GetSetter[pcommon.Value], error) {
		if path == nil || path.Name() != "value" || path.Next() != nil || path.Context() != "" {
			return nil, errors.New("the only path here is value, such as value[\"accuracy\"] >= 0.5")
		}
		keys := path.Keys()
		if len(keys) > 0 && output.keys != nil {
			name, err := keys[0].String(context.Background(), pcommon.Value{})
			if err == nil && name != nil && !slices.Contains(output.keys, *name) {
				return nil, fmt.Errorf("value has no key %q: `output` has %s", *name, strings.Join(output.keys, ", "))
			}
		}
		return ottl.StandardGetSetter[pcommon.Value]{
			Getter: func(ctx context.Context, value pcommon.Value) (any, error) { return lookup(ctx, value, keys) },
			Setter: func(context.Context, pcommon.Value, any) error { return errReadOnly },
		}, nil
	}
}

// lookup follows keys into a value; what is not there is nil.
func lookup(ctx context.Context, root pcommon.Value, keys []ottl.Key[pcommon.Value]) (any, error) {
	value := root
	for _, key := range keys {
		name, err := key.String(ctx, root)
		if err != nil {
			return nil, err
		}
		index, err := key.Int(ctx, root)
		if err != nil {
			return nil, err
		}
		switch {
		case name != nil && value.Type() == pcommon.ValueTypeMap:
			child, ok := value.Map().Get(*name)
			if !ok {
				return nil, nil
			}
			value = child
		case index != nil && value.Type() == pcommon.ValueTypeSlice:
			if *index < 0 || *index >= int64(value.Slice().Len()) {
				return nil, nil
			}
			value = value.Slice().At(int(*index))
		case name == nil && index == nil:
			return nil, errors.New("a key of value must be a string or a number")
		default:
			return nil, nil
		}
	}
	return ottlValue(value), nil
}

// ottlValue is the form in which OTTL compares and converts values.
func ottlValue(value pcommon.Value) any {
	switch value.Type() {
	case pcommon.ValueTypeBool:
		return value.Bool()
	case pcommon.ValueTypeInt:
		return value.Int()
	case pcommon.ValueTypeDouble:
		return value.Double()
	case pcommon.ValueTypeStr:
		return value.Str()
	case pcommon.ValueTypeMap:
		return value.Map()
	case pcommon.ValueTypeSlice:
		return value.Slice()
	default:
		return nil
	}
}
