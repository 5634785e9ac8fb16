package limits

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCalendar(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		instant, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return instant
	}
	tests := []struct {
		name, zone, now string
		// starts are of yesterday, today, tomorrow and the day after it.
		starts [4]string
	}{
		{
			name: "utc", zone: "UTC", now: "2026-12-31T23:59:59Z",
			starts: [4]string{"2026-12-30T00:00:00Z", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"},
		},
		{
			name: "first second", zone: "UTC", now: "2028-03-01T00:00:00Z",
			starts: [4]string{"2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", "2028-03-02T00:00:00Z", "2028-03-03T00:00:00Z"},
		},
		{
			name: "23 hours", zone: "Europe/Berlin", now: "2026-03-29T02:30:00Z",
			starts: [4]string{"2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00"},
		},
		{
			name: "25 hours", zone: "America/New_York", now: "2026-11-01T23:00:00-05:00",
			starts: [4]string{"2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", "2026-11-03T00:00:00-05:00"},
		},
		{
			name: "half an hour of summer", zone: "Australia/Lord_Howe", now: "2026-04-05T12:00:00Z",
			starts: [4]string{"2026-04-04T00:00:00+11:00", "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30", "2026-04-07T00:00:00+10:30"},
		},
		{
			name: "no midnight", zone: "Asia/Beirut", now: "2026-03-28T23:30:00Z",
			starts: [4]string{"2026-03-28T00:00:00+02:00", "2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00", "2026-03-31T00:00:00+03:00"},
		},
		{
			name: "midnight twice", zone: "America/Havana", now: "2026-11-01T05:30:00Z",
			starts: [4]string{"2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", "2026-11-03T00:00:00-05:00"},
		},
		{
			name: "the evening twice", zone: "America/Santiago", now: "2026-04-05T03:30:00Z",
			starts: [4]string{"2026-04-03T00:00:00-03:00", "2026-04-04T00:00:00-03:00", "2026-04-05T00:00:00-04:00", "2026-04-06T00:00:00-04:00"},
		},
		{
			name: "before a day that was left out", zone: "Pacific/Apia", now: "2011-12-29T20:00:00-10:00",
			starts: [4]string{"2011-12-28T00:00:00-10:00", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00"},
		},
		{
			name: "after it", zone: "Pacific/Apia", now: "2011-12-31T00:00:00+14:00",
			starts: [4]string{"2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00", "2012-01-02T00:00:00+14:00"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			zone, err := location(tt.zone)
			require.NoError(t, err)
			c := &calendar{zone: zone}
			for range 2 {
				var got [4]string
				days := c.around(at(tt.now))
				for i, start := range days {
					got[i] = time.Unix(start, 0).In(zone).Format(time.RFC3339)
					if tt.zone == "UTC" {
						got[i] = time.Unix(start, 0).UTC().Format(time.RFC3339)
					}
				}
				assert.Equal(t, tt.starts, got)
			}
		})
	}
}

// TestCalendarCoversAllTime has neither gaps nor overlaps, in zones that change their clocks at all kinds of times.
func TestCalendarCoversAllTime(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Berlin", "Asia/Beirut", "America/Havana", "America/Santiago", "Australia/Lord_Howe", "America/Nuuk", "Asia/Kathmandu"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := location(name)
			require.NoError(t, err)
			c := &calendar{zone: zone}
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			before := c.around(now)
			for range 366 * 24 {
				now = now.Add(time.Hour)
				days := c.around(now)
				require.LessOrEqual(t, days[1], now.Unix())
				require.Greater(t, days[2], now.Unix())
				if days != before {
					require.Equal(t, before[2], days[1])
					require.Equal(t, before[1], days[0])
					require.Equal(t, before[3], days[2])
				}
				hours := float64(days[2]-days[1]) / 3600
				require.GreaterOrEqual(t, hours, 23.0)
				require.LessOrEqual(t, hours, 25.0)
				before = days
			}
		})
	}
}
