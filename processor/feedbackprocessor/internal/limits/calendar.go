package limits

import (
	"sort"
	"sync/atomic"
	"time"
)

// days are the first seconds of yesterday, of today, of tomorrow and of the day after it. Today is the one that the
// replica takes for it; Redis may find itself in any of the three.
type days [4]int64

// calendar knows where the days of a zone begin.
type calendar struct {
	zone   *time.Location
	latest atomic.Pointer[days]
}

// around returns the days around an instant.
func (c *calendar) around(t time.Time) *days {
	now := t.Unix()
	if d := c.latest.Load(); d != nil && d[1] <= now && now < d[2] {
		return d
	}
	year, month, day := t.In(c.zone).Date()
	d := new(days)
	for i := range d {
		d[i] = c.start(year, month, day+i-1)
	}
	c.latest.Store(d)
	return d
}

// start finds the first second whose date is not before a day's. Midnight will not do: in some zones the clocks change
// there, and it does not exist, or twice.
func (c *calendar) start(year int, month time.Month, day int) int64 {
	date := civil(year, month, day)
	const back, all = 36 * 3600, 60 * 3600
	before := time.Date(year, month, day, 12, 0, 0, 0, c.zone).Unix() - back
	return before + int64(sort.Search(all, func(i int) bool {
		return civil(time.Unix(before+int64(i), 0).In(c.zone).Date()) >= date
	}))
}

// civil makes dates comparable, also ones such as the 32nd of a month.
func civil(year int, month time.Month, day int) int64 {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()
}
