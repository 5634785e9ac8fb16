// Package judge asks a language model, or a panel of them, for its verdict on one interaction: it renders the prompt with
// all foreign text fenced, calls the model with bounded retries, and takes only an answer that fits the configured
// schema. Whatever goes wrong becomes a result with an error, so that each judgement ends as exactly one assessment,
// unless the budget does not allow it at all.
package judge
