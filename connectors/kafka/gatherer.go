package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/featurehost/featurehost/host/fault"
)

// Limits of a read.
const (
	// patience is how long a partition may give nothing although its end is
	// ahead, and a broker may be away.
	patience = 60 * time.Second
	// lookAgain is how long leaders are believed after one was wrong.
	lookAgain = 300 * time.Millisecond
)

// cursor is where the read of a partition is.
type cursor struct {
	id     int32
	next   int64 // offset of the next message
	end    int64 // offset behind the last one; -1 for a stream
	leader string
	alive  time.Time // when it last got on
}

func (c *cursor) done() bool { return c.end >= 0 && c.next >= c.end }

// mark is a partition and the offset up to which its messages were given.
type mark struct {
	partition int32
	next      int64
}

// gatherer fetches some partitions of a topic and makes items of them. It is
// for one goroutine.
type gatherer struct {
	client   *client
	topic    string
	group    string // of a stream; "" for a run that ends
	cursors  []*cursor
	links    map[string]*link
	shape    *shape
	values   values
	rows     int // of a batch
	wait     time.Duration
	patience time.Duration
	give     func(*item) error

	walker  walker
	got     gathered
	marks   map[int32]int64
	garbled map[string]bool // leaders whose last answer could not be read
	bytes   int64
	trouble error // what last went wrong
	ended   bool  // giving rows has failed, which fetching again cannot mend
}

// run reads until all partitions are done, or ctx ends.
func (g *gatherer) run(ctx context.Context) error {
	g.links, g.marks, g.garbled = map[string]*link{}, map[int32]int64{}, map[string]bool{}
	defer func() {
		for _, l := range g.links {
			l.close()
		}
	}()
	g.got.start(g.rows)
	now := time.Now()
	for _, c := range g.cursors {
		c.alive = now
	}
	for turn := 0; ; turn++ {
		open := slices.DeleteFunc(slices.Clone(g.cursors), func(c *cursor) bool { return c.done() })
		if len(open) == 0 {
			return g.flush(ctx)
		}
		if err := g.round(ctx, open, turn); err != nil {
			return err
		}
	}
}

// round fetches once from one of the leaders.
func (g *gatherer) round(ctx context.Context, open []*cursor, turn int) error {
	leader := open[turn%len(open)].leader
	var ask []*cursor
	for i := range open { // begin with another partition each time
		if c := open[(turn+i)%len(open)]; c.leader == leader {
			ask = append(ask, c)
		}
	}
	err := g.fetch(ctx, leader, ask)
	if err == nil {
		return g.stalled(ask)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e := fault.As(err); g.ended || e != nil && !e.Retry {
		return err
	}
	g.trouble = err
	if err := g.stalled(ask); err != nil {
		return err
	}
	g.links[leader].close()
	delete(g.links, leader)
	if !sleep(ctx, lookAgain) {
		return context.Cause(ctx)
	}
	return g.leaders(ctx)
}

// leaders looks up who leads the partitions.
func (g *gatherer) leaders(ctx context.Context) error {
	list, err := g.client.partitions(ctx, g.topic)
	if err != nil {
		if e := fault.As(err); e != nil && (e.Code == LoginRefused || e.Code == NotAllowed || e.Code == BadTLS) {
			return err
		}
		g.trouble = err // told when patience ends
		return nil
	}
	for _, c := range g.cursors {
		for _, p := range list {
			if p.id == c.id && p.leader != "" {
				c.leader = p.leader
			}
		}
	}
	return nil
}

// stalled gives up on a partition that has not got on for too long (K4).
func (g *gatherer) stalled(ask []*cursor) error {
	for _, c := range ask {
		if time.Since(c.alive) < g.patience {
			continue
		}
		if g.trouble != nil {
			return g.trouble
		}
		if c.end < 0 {
			c.alive = time.Now() // a stream may wait for ever
			continue
		}
		e := fault.New(Stalled, "nothing came for %s at offset %d, and %d is the end", g.patience, c.next, c.end).
			At("kafka topic %q, partition %d", g.topic, c.id).WithHint("a transaction may be open, or messages were lost: look at the topic and run again")
		e.Retry = true
		return e
	}
	return nil
}

// fetch asks a broker for the partitions it leads.
func (g *gatherer) fetch(ctx context.Context, leader string, ask []*cursor) error {
	if leader == "" {
		return unled(g.topic, ask[0].id)
	}
	l := g.links[leader]
	if l == nil {
		var err error
		if l, err = g.client.dial(ctx, leader); err != nil {
			return g.client.failed(err, leader)
		}
		g.links[leader] = l
	}
	wants := make([]want, len(ask))
	for i, c := range ask {
		wants[i] = want{c.id, c.next}
	}
	answers, err := l.fetch(ctx, g.topic, wants, g.wait)
	if errors.Is(err, errGarbled) {
		e := fault.Wrap(err, Corrupt, "the broker sent no messages that can be read").At("kafka %s, topic %q", leader, g.topic)
		e.Retry = !g.garbled[leader] // once, on another connection
		g.garbled[leader] = true
		return e
	}
	if err != nil {
		return g.client.failed(err, leader)
	}
	delete(g.garbled, leader)
	g.bytes += int64(len(l.buf))
	var late error
	for _, a := range answers {
		i := slices.IndexFunc(ask, func(c *cursor) bool { return c.id == a.partition })
		if i < 0 {
			continue
		}
		if err := g.take(ctx, ask[i], a, leader); err != nil {
			if e := fault.As(err); g.ended || e == nil || !e.Retry {
				return err
			}
			late = err
		}
	}
	if late != nil {
		return late
	}
	g.trouble = nil
	if g.got.rows() > 0 || len(g.marks) > 0 {
		return g.flushIf(ctx, ask)
	}
	return nil
}

// flushIf gives what has been gathered when waiting for more makes no sense: a
// stream's rows are wanted soon.
func (g *gatherer) flushIf(ctx context.Context, ask []*cursor) error {
	if ask[0].end < 0 {
		return g.flush(ctx)
	}
	return nil
}

func unled(topic string, id int32) error {
	e := fault.New(Refused, "the partition has no leader").At("kafka topic %q, partition %d", topic, id).WithHint("the cluster may be about to choose one: run again")
	e.Retry = true
	return e
}

// take walks over what came of a partition.
func (g *gatherer) take(ctx context.Context, c *cursor, a fetched, leader string) error {
	if a.code != 0 {
		e := refused(a.code, fmt.Sprintf("%s, topic %q, partition %d", leader, g.topic, c.id))
		if temporary(a.code) {
			e.Retry = true
			return e
		}
		if e.Code == OffsetGone {
			return g.gone(ctx, c, leader)
		}
		return e
	}
	from := c.next
	var given error
	next, err := g.walker.walk(a, c.next, func(m *message) error {
		if c.end >= 0 && m.offset >= c.end {
			return errStop
		}
		if g.got.full(g.rows) {
			g.marks[c.id] = m.offset
			if given = g.flush(ctx); given != nil {
				return given
			}
		}
		g.got.add(c.id, m)
		return nil
	})
	if given != nil {
		return given
	}
	c.next = next
	if errors.Is(err, errStop) {
		c.next, err = c.end, nil
	}
	if c.next > from {
		g.marks[c.id], c.alive = c.next, time.Now()
	}
	if err != nil {
		return fault.Wrap(err, Corrupt, "the broker sent no messages that can be read").At("kafka %s, topic %q, partition %d", leader, g.topic, c.id)
	}
	return nil
}

// flush makes items of what has been gathered and gives them: one, unless the
// values come to more than they were. How far the partitions are read is told
// with the last, so that nothing is taken for read before all of it is given.
func (g *gatherer) flush(ctx context.Context) (err error) {
	defer func() { g.ended = g.ended || err != nil }()
	if g.got.rows() == 0 && len(g.marks) == 0 && g.bytes == 0 {
		return nil
	}
	for from := 0; ; {
		it := &item{}
		if from < g.got.rows() {
			if from, err = g.shape.fill(ctx, it, &g.got, from, g.values, g.topic); err != nil {
				it.release()
				return err
			}
		}
		last := from >= g.got.rows()
		if last {
			it.bytes = g.bytes
			for p, next := range g.marks {
				it.marks = append(it.marks, mark{p, next})
			}
			clear(g.marks)
			g.bytes = 0
			if g.got.rows() > 0 {
				g.got.start(g.rows)
			}
		}
		err = g.give(it)
		for _, c := range g.cursors { // time spent waiting for those who take the rows
			c.alive = time.Now()
		}
		if err != nil || last {
			return err
		}
	}
}
