// Package join brings log records that carry the text of GenAI spans together with their spans. Some instrumentations
// send what was asked and answered as log records, which come in other batches than the spans, before or after them.
// What waits for its other half is bounded in bytes and in time.
package join
