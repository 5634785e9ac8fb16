// Package confkeys refuses misspelled keys where confmap does not: beside a squashed section that unmarshals itself, such
// as those of confighttp, it lets any key pass.
package confkeys

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// Check returns an error for each key of conf that T has no `mapstructure` tag for; sections that T squashes count as its
// own.
func Check[T any](conf *confmap.Conf) error {
	known := map[string]bool{}
	collect(reflect.TypeFor[T](), known)
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(conf.ToStringMap())) {
		if !known[key] {
			errs = append(errs, fmt.Errorf("unknown key `%s`", key))
		}
	}
	return errors.Join(errs...)
}

func collect(section reflect.Type, known map[string]bool) {
	for field := range section.Fields() {
		key, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(options, "squash"):
			collect(field.Type, known)
		case key != "":
			known[key] = true
		}
	}
}
