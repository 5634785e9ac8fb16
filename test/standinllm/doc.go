// Package standinllm is a stand-in for a language model with OpenAI's and Anthropic's API. It understands nothing: its
// verdicts follow from simple rules and a hash of the text, so that tests and trials need no key, no network, and get
// the same answer every time. It can also misbehave in all the ways that real servers do.
package standinllm
