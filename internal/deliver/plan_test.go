package deliver

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelcol-feedback/otelcol-feedback/internal/assessment"
	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// An original goes along with whichever of its overrides a rule takes, at any distance.
func TestForwardedForAnOverride(t *testing.T) {
	t.Parallel()
	rules := forward{{Sources: []assessment.SourceType{assessment.SourceTypeHuman}}}
	original := testRecord("check", assessment.True)
	byCode := override("a-code", original)
	byCode.Source = original.Source
	byPerson := override("a-person", original)
	ofOverride := override("a-further", byCode)
	circle := original
	circle.Overrides = byCode.ID
	for name, tt := range map[string]struct {
		records []store.Record
		want    bool
	}{
		"no override":       {[]store.Record{original}, false},
		"one of code":       {[]store.Record{original, byCode}, false},
		"one of a person":   {[]store.Record{original, byPerson}, true},
		"forked":            {[]store.Record{original, byCode, byPerson}, true},
		"of an override":    {[]store.Record{original, byCode, ofOverride}, true},
		"round in a circle": {[]store.Record{circle, byCode}, false},
	} {
		c := comparer{backend: testBackend, forward: rules, records: map[string]store.Record{}}
		for _, record := range tt.records {
			c.records[record.ID] = record
		}
		for range 20 { // whatever the order of the map
			assert.Equal(t, tt.want, c.forwarded(tt.records[0]), name)
		}
	}
}
