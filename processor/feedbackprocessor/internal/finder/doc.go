// Package finder finds personal data and secrets in text, one kind a file behind the interface Finder. Checks count
// what is found, redaction takes it out; both run while a span waits, so every finder reads a text once, without
// regular expressions, and allocates only for what it finds. A find is a guess from form alone: checksums, known
// prefixes and lengths keep wrong ones few.
package finder
