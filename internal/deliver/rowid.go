package deliver

import (
	"cmp"
	"maps"

	"github.com/otelcol-feedback/otelcol-feedback/internal/store"
)

// rename gives records the ids of their rows, where these were made under the second id and the answer was lost.
func (c *comparer) rename() {
	if len(c.rows) == 0 {
		return
	}
	renamed := map[string]store.Record{}
	for id, record := range c.records {
		delivery := record.Backends[c.backend]
		if _, present := c.rows[id]; present || delivery.State != store.DeliveryPending || delivery.ID != "" {
			continue
		}
		second := SecondID(record)
		if _, present := c.rows[second]; present {
			delivery.ID = second
			record.Backends = withDelivery(record.Backends, c.backend, delivery)
			renamed[id] = record
		}
	}
	if len(renamed) > 0 {
		c.records = maps.Clone(c.records)
		maps.Copy(c.records, renamed)
	}
}

// backendID is the record's id in the backend.
func backendID(record store.Record, backend string) string {
	return cmp.Or(record.Backends[backend].ID, record.ID)
}

// recordID is our id of the backend's row.
func (c *comparer) recordID(rowID string) string {
	if _, found := c.records[rowID]; found || rowID == "" {
		return rowID
	}
	for id, record := range c.records {
		if record.Backends[c.backend].ID == rowID {
			return id
		}
	}
	return rowID
}
