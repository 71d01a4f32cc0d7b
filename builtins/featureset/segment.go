package featureset

// segment is a stretch of the program between two windows: it has all rows the
// windows before it made. Stage 0 is Select, the last stage is Fold, those
// between are keyed steps of their own. In a keyed stage part 0 has the rows as
// they come, part n those behind the stage's n-th windows.
type segment struct{ stage, part int }

func (a segment) before(b segment) bool {
	return a.stage < b.stage || a.stage == b.stage && a.part < b.part
}

func (a segment) later(b segment) segment {
	if a.before(b) {
		return b
	}
	return a
}

// node is a step with the columns it looks at and those it makes.
type node struct {
	step          step
	reads, writes []int
	at            segment
}
