package assessment

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// NewID is the id of an automated assessment: `a-` and the first 16 bytes, in hex, of the SHA-256 over the
// length-prefixed trace id, span id (empty for trace scope), name, source type and source id. The same evaluation
// made twice therefore has one id, on every replica.
func NewID(traceID, spanID, name string, source Source) string {
	var stack [256]byte
	buf := stack[:0]
	for _, field := range [...]string{traceID, spanID, name, string(source.Type), source.ID} {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(field)))
		buf = append(buf, field...)
	}
	sum := sha256.Sum256(buf)
	var id [2 + 32]byte
	id[0], id[1] = 'a', '-'
	hex.Encode(id[2:], sum[:16])
	return string(id[:])
}
