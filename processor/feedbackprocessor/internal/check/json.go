package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
)

const (
	jsonKey = "json"
	// maxSchemaFile bounds a schema file, in bytes.
	maxSchemaFile = 1 << 20
	// maxJSONDepth bounds the nesting of what is held against a schema: the validator recurses.
	maxJSONDepth = 256
	// maxNumber and maxExponent bound the numbers that are held against a schema, in characters and as powers of ten:
	// the validator computes with exact fractions, and 1e999999999 would be a billion digits.
	maxNumber   = 128
	maxExponent = 400
)

// JSONConfig holds when a text is one JSON value and, with a schema, follows it. Texts of more than 1 MiB are a failed
// evaluation. Against a schema, values nested deeper than 256 levels and numbers beyond a float64 do not hold.
type JSONConfig struct {
	// Schema is a JSON Schema; without `$schema` it is of draft 2020-12. Formats count; it cannot refer to other
	// documents.
	Schema map[string]any `mapstructure:"schema"`
	// SchemaFile is the path of a file with the schema, at most 1 MiB; it excludes schema.
	SchemaFile string `mapstructure:"schema_file"`

	// prevent unkeyed literal initialization
	_ struct{}
}

var (
	_ confmap.Validator = (*JSONConfig)(nil)
	_ kindConfig        = (*JSONConfig)(nil)
	_ kind              = (*jsonText)(nil)
)

// Validate implements confmap.Validator.
func (c *JSONConfig) Validate() error {
	if c.Schema == nil {
		return nil
	}
	if c.SchemaFile != "" {
		return errors.New("`schema` and `schema_file` exclude each other: give one of them")
	}
	text, err := json.Marshal(c.Schema)
	if err != nil {
		return fmt.Errorf("`schema` cannot be written as JSON: %w", err)
	}
	if _, err := compileSchema(text); err != nil {
		return fmt.Errorf("`schema`: %w", err)
	}
	return nil
}

func (*JSONConfig) key() string { return jsonKey }

func (*JSONConfig) fields() []field { return []field{fieldValue, fieldProblem} }

func (*JSONConfig) reads() source { return sourceTarget }

func (c *JSONConfig) compile(component.TelemetrySettings) (kind, error) {
	switch {
	case c.SchemaFile != "":
		text, err := readSchema(c.SchemaFile)
		if err != nil {
			return nil, fmt.Errorf("`schema_file`: %w", err)
		}
		schema, err := compileSchema(text)
		if err != nil {
			return nil, fmt.Errorf("`schema_file` %q: %w", c.SchemaFile, err)
		}
		return &jsonText{schema: schema, source: string(text)}, nil
	case c.Schema != nil:
		text, err := json.Marshal(c.Schema)
		if err != nil {
			return nil, err
		}
		schema, err := compileSchema(text)
		if err != nil {
			return nil, fmt.Errorf("`schema`: %w", err)
		}
		return &jsonText{schema: schema, source: string(text)}, nil
	default:
		return &jsonText{}, nil
	}
}

func readSchema(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSchemaFile {
		return nil, fmt.Errorf("%q is not a file of at most 1 MiB", path)
	}
	return os.ReadFile(path) //nolint:gosec // G304: the operator names the file
}

// noLoader keeps schemas from reaching for files and the network.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a schema cannot refer to other documents: put the definition under its $defs")
}

func compileSchema(text []byte) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	const location = "check:///schema.json" // a base on which references to other documents stay what they are
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.AssertFormat()
	if err := compiler.AddResource(location, document); err != nil {
		return nil, err
	}
	schema, err := compiler.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("it is not a JSON Schema: %w", err)
	}
	return schema, nil
}

type jsonText struct {
	schema *jsonschema.Schema // nil: only syntax
	source string
}

func (j *jsonText) identity() any { return []any{jsonKey, j.source} }

func (j *jsonText) test(_ context.Context, in *input) *assessment.Error {
	if err := tooLarge(in.text); err != nil {
		return err
	}
	if j.schema == nil {
		if !json.Valid([]byte(in.text.raw)) {
			in.facts.problem = "is not valid JSON"
		}
	} else {
		in.facts.problem = j.problem(in.text.raw)
	}
	in.facts.holds = in.facts.problem == ""
	return nil
}

// problem says what is wrong with a text by pointing into the schema, never by quoting the text.
func (j *jsonText) problem(text string) string {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return "is not valid JSON"
	}
	if problem := outOfBounds(document, maxJSONDepth); problem != "" {
		return problem
	}
	err = j.schema.Validate(document)
	if err == nil {
		return ""
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return "cannot be held against the schema"
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	_, pointer, _ := strings.Cut(invalid.SchemaURL, "#")
	return "does not follow the schema at #" + strings.Join(append([]string{pointer}, invalid.ErrorKind.KeywordPath()...), "/")
}

func outOfBounds(value any, depth int) string {
	if depth < 0 {
		return fmt.Sprintf("is nested deeper than %d levels", maxJSONDepth)
	}
	switch v := value.(type) {
	case json.Number:
		if isHuge(string(v)) {
			return "has a number that no float64 can hold"
		}
	case []any:
		for _, element := range v {
			if problem := outOfBounds(element, depth-1); problem != "" {
				return problem
			}
		}
	case map[string]any:
		for _, member := range v {
			if problem := outOfBounds(member, depth-1); problem != "" {
				return problem
			}
		}
	}
	return ""
}

func isHuge(number string) bool {
	if len(number) > maxNumber {
		return true
	}
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return false
	}
	exponent := 0
	for _, digit := range strings.TrimLeft(number[at+1:], "+-0") {
		if exponent = exponent*10 + int(digit-'0'); exponent > maxExponent {
			return true
		}
	}
	return false
}
