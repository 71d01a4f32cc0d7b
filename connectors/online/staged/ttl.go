package staged

import (
	"math"
	"time"
)

// Visible tells whether a value of an event time, in microseconds, can be seen
// at a time: until timestamp + ttl, that moment not included (S-1307).
func Visible(us int64, ttl time.Duration, now time.Time) bool {
	span := ttl.Microseconds()
	return us > math.MaxInt64-span || now.UnixMicro() < us+span
}
