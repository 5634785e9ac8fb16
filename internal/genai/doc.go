// Package genai turns a span of any GenAI instrumentation into an Interaction: what kind of work it was, the question,
// the answer, and, where there is no text, why. Reading is lazy: what nobody asks for is not parsed. Every convention
// is one file behind the interface convention; the table conventions shows their order at one place. It imports
// nothing of this project.
package genai
