package process

import (
	"testing"
)

// frames gives frames of HTTP/2 of some size.
func frames(n, size int) []byte {
	one := make([]byte, headBytes+size)
	one[0], one[1], one[2] = byte(size>>16), byte(size>>8), byte(size)
	var out []byte
	for range n {
		out = append(out, one...)
	}
	return out
}

// Frames are told apart wherever a read ends; large ones and a good many small ones
// are as they should be, and more after each question.
func TestLine_Frames_Counted(t *testing.T) {
	for _, piece := range []int{1, 2, 9, 10, 1000, 1 << 20} {
		for _, c := range []struct {
			what string
			text []byte
			ok   bool
		}{
			{"large", frames(100, 16384), true},
			{"small", frames(20_000, leastFrame), true},
			{"a good many", frames(mostFrames, 1), true},
			{"crumbs", frames(2*mostFrames, 1), false},
			{"empty", frames(2*mostFrames, 0), false},
			{"crumbs among large ones", append(frames(10, 16384), frames(2*mostFrames, 1)...), false},
		} {
			l := &counted{line: &line{}}
			ok := true
			for rest := c.text; len(rest) > 0 && ok; {
				n := min(piece, len(rest))
				ok, rest = l.count(rest[:n]), rest[n:]
			}
			if ok != c.ok {
				t.Errorf("%s by %d: %v", c.what, piece, ok)
			}
			if l.line.expect(); ok && !l.count(frames(mostFrames/2, 1)) {
				t.Errorf("%s by %d: counted on after a question", c.what, piece)
			}
		}
	}
}
