package proxy

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// cleanPath reports whether the path of a request means the same to everybody who reads it on its way: no segment that
// leads elsewhere, none that is empty, and no separator in disguise. What MLflow makes of anything else is not what was
// checked here: it finds an assessment's route behind `//api` and `%2F` as well.
func cleanPath(escaped string) bool {
	path, err := url.PathUnescape(escaped)
	if err != nil || !utf8.ValidString(path) || !strings.HasPrefix(path, "/") {
		return false
	}
	if disguised(escaped, "%5c") || disguised(escaped, "%2f") && !isArtifact(path) {
		return false
	}
	if disguised(path, "%2e", "%2f", "%5c") {
		return false // encoded twice
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return false
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		segment, _, _ = strings.Cut(segment, ";")
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}

func disguised(text string, encodings ...string) bool {
	if !strings.Contains(text, "%") {
		return false
	}
	text = strings.ToLower(text)
	for _, encoding := range encodings {
		if strings.Contains(text, encoding) {
			return true
		}
	}
	return false
}

// isArtifact reports whether the path names a file, whose own slashes a client may encode.
func isArtifact(path string) bool {
	return strings.Contains(path, "/api/2.0/mlflow-artifacts/") || strings.Contains(path, "/ajax-api/2.0/mlflow-artifacts/")
}

// prefixed reports whether a path is below the static prefix, which has no slash at its end.
func prefixed(path, prefix string) bool {
	rest, found := strings.CutPrefix(path, prefix)
	return found && (rest == "" || rest[0] == '/')
}
