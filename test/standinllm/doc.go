// Package standinllm is an OpenAI-compatible stand-in for a language model. It understands nothing: its verdicts follow
// from simple rules and a hash of the text, so that tests and trials need no key, no network, and get the same answer
// every time. It can also misbehave in all the ways that real servers do.
package standinllm
