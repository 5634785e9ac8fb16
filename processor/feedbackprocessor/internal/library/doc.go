// Package library holds checks and judges for `use: name@version`: an entry is a file of keys, that of a judge with its
// prompt beside it. An entry never changes: what would judge otherwise is a new version, and a test holds the files and
// the checks' fingerprints against those of the day on which they were published.
package library
