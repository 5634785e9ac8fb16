package reading

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/otelcol-feedback/otelcol-feedback/extension/feedbackextension/internal/answer"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// cursor is where a list goes on.
type cursor struct {
	// place is before the trace that was not finished, or behind the last one.
	place store.Place
	// traceID is the trace that was not finished, if any, and after its last record that was given.
	traceID string
	after   position
}

const (
	tokenSum = 8
	// maxToken bounds a token: a place, a trace id, a time and an id of at most 256 bytes.
	maxToken = 1024
)

// token spells the cursor for the client. It holds for the same question alone: with a changed filter it would skip
// what it never showed. It is no secret and gives no rights, so a sum is enough.
func (c *cursor) token(question string) string {
	text := strings.Join([]string{
		c.place.String(), c.traceID, strconv.FormatInt(c.after.created, 10), c.after.id,
	}, "\n")
	sum := tokenSumOf(text, question)
	return base64.RawURLEncoding.EncodeToString(append(sum, text...))
}

func tokenSumOf(text, question string) []byte {
	sum := sha256.Sum256([]byte(question + "\n\n" + text))
	return sum[:tokenSum]
}

var errToken = answer.Invalid("The token is not one of this question's; begin again without it.")

// parseCursor reads what token wrote for the same question. The empty token is the beginning.
func parseCursor(token, question string) (cursor, error) {
	if token == "" {
		return cursor{}, nil
	}
	if len(token) > maxToken {
		return cursor{}, errToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < tokenSum {
		return cursor{}, errToken
	}
	text := string(raw[tokenSum:])
	if string(tokenSumOf(text, question)) != string(raw[:tokenSum]) {
		return cursor{}, errToken
	}
	parts := strings.SplitN(text, "\n", 4)
	if len(parts) != 4 {
		return cursor{}, errToken
	}
	place, placeErr := store.ParsePlace(parts[0])
	created, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || placeErr != nil {
		return cursor{}, errToken
	}
	return cursor{place: place, traceID: parts[1], after: position{created: created, id: parts[3]}}, nil
}
