package library

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

//go:embed checks/*.yaml judges/*.yaml judges/*.txt
var files embed.FS

const (
	checksDir = "checks"
	judgesDir = "judges"

	keyUse      = "use"
	keySourceID = "source_id"
	keyPrompt   = "prompt"
)

// Checks are the names of the checks, with their versions.
func Checks() []string { return names(checksDir) }

// Judges are the names of the judges, with their versions.
func Judges() []string { return names(judgesDir) }

// Check returns the keys of a check by its name, such as email@1. The error of an unknown name lists the known ones.
func Check(name string) (map[string]any, error) { return entry(checksDir, name) }

// Judge returns the keys of a judge by its name, such as relevance@1; its prompt is among them. The error of an unknown
// name lists the known ones.
func Judge(name string) (map[string]any, error) { return entry(judgesDir, name) }

// ForCheck completes a check's configuration, or that of a part, with the keys of the entry that it uses. What is
// written beside `use` wins, key by key; lists are replaced.
func ForCheck(conf *confmap.Conf) (*confmap.Conf, error) {
	keys, err := used(conf, Check)
	if err != nil || keys == nil {
		return conf, err
	}
	return complete(conf, keys)
}

// identifying are the keys without which a judge is not that of the library any more.
var identifying = []string{keyPrompt, "prompt_file", "output"}

// ForJudge completes a judge's configuration with the keys of the entry that it uses. What is written beside `use` wins;
// prompt, prompt_file and output can be written only with a source_id, because the results are then not those of the
// entry.
func ForJudge(conf *confmap.Conf) (*confmap.Conf, error) {
	keys, err := used(conf, Judge)
	if err != nil || keys == nil {
		return conf, err
	}
	for _, key := range identifying {
		if conf.Get(key) == nil {
			continue
		}
		if conf.Get(keySourceID) == nil {
			return nil, fmt.Errorf("`%s` beside `use: %v` makes another judge of it: give a `source_id` of your own, or leave `%s` out", key, conf.Get(keyUse), key)
		}
		delete(keys, key)
		if key == "prompt_file" {
			delete(keys, keyPrompt)
		}
	}
	return complete(conf, keys)
}

// used returns the keys of the entry that a configuration uses, nil where it uses none.
func used(conf *confmap.Conf, entry func(name string) (map[string]any, error)) (map[string]any, error) {
	switch name := conf.Get(keyUse).(type) {
	case nil:
		return nil, nil //nolint:nilnil // no entry is no error
	case string:
		keys, err := entry(name)
		if err != nil {
			return nil, fmt.Errorf("`use`: %w", err)
		}
		return keys, nil
	default:
		return nil, fmt.Errorf("`use` is %v: give a name with its version, such as email@1", name)
	}
}

// complete adds the keys that conf has not, or has as null.
func complete(conf *confmap.Conf, keys map[string]any) (*confmap.Conf, error) {
	defaults := confmap.NewFromStringMap(keys)
	missing := make(map[string]any)
	for _, key := range defaults.AllKeys() {
		if !decided(conf, key) {
			missing[key] = defaults.Get(key)
		}
	}
	return conf, conf.Merge(confmap.NewFromStringMap(missing))
}

// decided reports whether conf has a value for a key, or one above it that leaves no place for it. Nulls are removed.
func decided(conf *confmap.Conf, key string) bool {
	for above := key; above != ""; {
		switch conf.Get(above).(type) {
		case nil:
			conf.Delete(above)
		case map[string]any:
			if above == key {
				return true
			}
		default:
			return true
		}
		end := max(strings.LastIndex(above, confmap.KeyDelimiter), 0)
		above = above[:end]
	}
	return false
}

// entry reads an entry's files.
func entry(dir, name string) (map[string]any, error) {
	if !slices.Contains(names(dir), name) {
		return nil, unknown(dir, name)
	}
	text, err := files.ReadFile(path.Join(dir, name+".yaml"))
	if err != nil {
		return nil, err
	}
	retrieved, err := confmap.NewRetrievedFromYAML(text)
	if err != nil {
		return nil, err
	}
	conf, err := retrieved.AsConf()
	if err != nil {
		return nil, err
	}
	keys := conf.ToStringMap()
	if dir == judgesDir {
		prompt, err := files.ReadFile(path.Join(dir, name+".txt"))
		if err != nil {
			return nil, err
		}
		keys[keyPrompt] = string(prompt)
	}
	return keys, nil
}

// unknown says what there is instead.
func unknown(dir, name string) error {
	for _, other := range []string{checksDir, judgesDir} {
		if other != dir && slices.Contains(names(other), name) {
			return fmt.Errorf("%q is an entry for `%s`: put it there; for `%s` there are %s", name, other, dir, strings.Join(names(dir), ", "))
		}
	}
	bare, _, _ := strings.Cut(name, "@")
	for _, known := range names(dir) {
		if strings.HasPrefix(known, bare+"@") {
			return fmt.Errorf("the library has no %q, but %s: versions are part of the name", name, known)
		}
	}
	return fmt.Errorf("the library has no %q for `%s`: there are %s", name, dir, strings.Join(names(dir), ", "))
}

// names are the entries of a directory.
func names(dir string) []string {
	paths, _ := fs.Glob(files, dir+"/*.yaml") // the pattern is well-formed
	for i, file := range paths {
		paths[i] = strings.TrimSuffix(path.Base(file), ".yaml")
	}
	return paths
}
