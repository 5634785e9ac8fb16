package limits

import "time"

// windowSeconds is how many whole seconds 60 s can touch.
const windowSeconds = 61

// window counts calls by the second.
type window struct {
	at      int64
	sum     [strata]int64
	buckets [windowSeconds][strata]int64
}

// advance drops what has left the window that ends with a second.
func (w *window) advance(second int64) {
	if second-w.at >= windowSeconds {
		*w = window{at: second}
		return
	}
	for ; w.at < second; w.at++ {
		left := &w.buckets[(w.at+1)%windowSeconds]
		for i := range left {
			w.sum[i] -= left[i]
		}
		*left = [strata]int64{}
	}
}

// add counts n calls, of which there may be less than none, in a second of the window.
func (w *window) add(st stratum, second, n int64) {
	if second > w.at || w.at-second >= windowSeconds {
		return
	}
	bucket := &w.buckets[second%windowSeconds]
	for i := range st + 1 {
		w.sum[i] += n
		bucket[i] += n
	}
}

// full is in how many seconds there is room for a call of a stratum, counted from the beginning of the latest; 0 is now.
func (w *window) full(st stratum, most *[strata]int64) int64 {
	sum := w.sum
	room := func() bool { return sum[random] < most[random] && (st == random || sum[triggered] < most[triggered]) }
	if room() {
		return 0
	}
	for in := int64(1); in < windowSeconds; in++ {
		bucket := &w.buckets[(w.at+in)%windowSeconds] // the oldest first
		for i := range sum {
			sum[i] -= bucket[i]
		}
		if room() {
			return in
		}
	}
	return windowSeconds
}

// budget is what a scope has spent in the day that begins at day, and in its hour.
type budget struct {
	day, hour int64
	ofDay     tally
	ofHour    tally
}

// advance begins a new day or hour. Where time went back, what is counted counts as this one's.
func (b *budget) advance(day, hour int64) {
	if day > b.day {
		*b = budget{}
	}
	if day == b.day && hour > b.hour {
		b.ofHour = tally{}
	}
	b.day, b.hour = day, hour
}

// fits says by which key a call does not fit, and whether that is for the day.
func (b *budget) fits(st stratum, need amount, most *caps) (key string, day bool) {
	if key := b.ofDay.left(st, &most.day).short(need); key != "" {
		return key, true
	}
	return b.ofHour.left(st, &most.hour).short(need), false
}

// moment is a point in time, as usage is counted by it.
type moment struct {
	// second counts from any point.
	second int64
	// day is its first second, hour is counted from it.
	day, hour int64
	// restOfSecond, restOfHour and restOfDay are how long they last.
	restOfSecond, restOfHour, restOfDay time.Duration
}

// usage is what one scope's calls took.
type usage struct {
	window
	budget
}

func (u *usage) advance(now *moment) {
	u.window.advance(now.second)
	u.budget.advance(now.day, now.hour)
}
