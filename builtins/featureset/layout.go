package featureset

import (
	"sort"
	"strconv"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
)

// layout describes the rows that leave a segment: keys, timestamp and the
// features made so far, then hidden columns whose names begin with fh_.
type layout struct {
	fields  []flow.Field
	slots   []int
	visible int      // columns before the hidden ones
	then    []string // columns of `order`
	ties    []string // columns that break the ties left
}

func (l *layout) add(name string, at int, sc *scope) {
	l.fields = append(l.fields, flow.Field{Name: name, Type: sc.slots[at].typ, Nullable: true})
	l.slots = append(l.slots, at)
}

// name gives the column that holds a slot, "" when there is none.
func (l *layout) name(at int) string {
	for i, slot := range l.slots {
		if slot == at {
			return l.fields[i].Name
		}
	}
	return ""
}

// names gives the columns that hold the slots.
func (l *layout) names(slots []int) []string {
	var out []string
	for _, at := range slots {
		out = append(out, l.name(at))
	}
	return out
}

// rest adds the columns that are still needed as hidden ones.
func (l *layout) rest(live map[int]bool, sc *scope, n *namer) {
	for _, at := range sorted(live) {
		l.carry(at, sc, n)
	}
}

// carry adds a hidden column for a slot that the rows do not bear yet.
func (l *layout) carry(at int, sc *scope, n *namer) {
	if l.name(at) == "" {
		l.add(n.hidden(at, sc.slots[at].stands), at, sc)
	}
}

// namer names hidden columns, the same one alike in all segments.
type namer struct {
	taken map[string]bool
	names map[int]string
}

func newNamer(cfg config.FeatureSet, outputs []column) *namer {
	n := &namer{taken: map[string]bool{timestampColumn: true}, names: map[int]string{}}
	for _, k := range cfg.Keys {
		n.taken[k.Name] = true
	}
	for _, c := range outputs {
		n.taken[c.name] = true
	}
	return n
}

// hidden names a slot after the source column it stands for, if it does.
func (n *namer) hidden(at int, source string) string {
	if name, ok := n.names[at]; ok {
		return name
	}
	if source == "" {
		source = strconv.Itoa(at)
	}
	name := "fh_" + source
	for n.taken[name] {
		name += "_"
	}
	n.taken[name], n.names[at] = true, name
	return name
}

// rowOrder is what orders rows of one timestamp (S-301): the columns of
// `order`, then every source column the set names, by name (S-303), then the
// ordinals of stacked rows.
type rowOrder struct {
	then, ties []orderColumn
	ordinals   []int
}

// orderColumn is a source column as the rows bear it.
type orderColumn struct {
	slot int
	// key tells that a key column stands for it: rows of one key do not differ
	// in it.
	key bool
}

// rowOrder finds the columns of the order. A source column needs no column of
// its own when the rows hold it in the same form, and none at all when the
// timestamp tells as much.
func (s *scope) rowOrder(cfg config.FeatureSet, keys []int, time int, outputs []column) (rowOrder, error) {
	o := rowOrder{ordinals: s.ordinals}
	done := map[string]bool{s.slots[time].stands: true}
	bearer := func(name string) (orderColumn, bool) {
		for _, at := range keys {
			if s.slots[at].stands == name {
				return orderColumn{at, true}, true
			}
		}
		for _, c := range outputs {
			if v := s.slots[c.at]; v.stands == name && v.at == (segment{}) {
				return orderColumn{slot: c.at}, true
			}
		}
		return orderColumn{}, false
	}
	for _, x := range []struct{ name, place string }{
		{cfg.OrderArrival, "feature_set.order.arrival"},
		{cfg.OrderSequence, "feature_set.order.sequence"},
	} {
		if x.name == "" || done[x.name] {
			continue
		}
		at, err := s.source(x.name, x.place)
		if err != nil {
			return o, err
		}
		done[x.name] = true
		c, ok := bearer(x.name)
		if !ok {
			c.slot = at
		}
		o.then = append(o.then, c)
	}
	var named []string
	for name := range s.named {
		if !done[name] {
			named = append(named, name)
		}
	}
	sort.Strings(named)
	for _, name := range named {
		c, ok := bearer(name)
		if !ok {
			c.slot = s.loaded[name]
		}
		o.ties = append(o.ties, c)
	}
	return o, nil
}

// slots gives the columns that rows must bear to be put in order.
func (o rowOrder) slots() []int {
	var out []int
	for _, c := range append(append([]orderColumn(nil), o.then...), o.ties...) {
		out = append(out, c.slot)
	}
	return append(out, o.ordinals...)
}

// into adds the columns of the order to rows that an exchange will put in
// order, and notes how Fold, which has the rows of one key, names them.
func (o rowOrder) into(l *layout, at segment, sc *scope, n *namer) {
	for _, v := range o.slots() {
		if !at.before(sc.slots[v].at) {
			l.carry(v, sc, n)
		}
	}
	l.then, l.ties = o.within(l, false)
}

// within names the columns of the order. across tells that rows of several keys
// are ordered together.
func (o rowOrder) within(l *layout, across bool) (then, ties []string) {
	for _, c := range o.then {
		if across || !c.key {
			then = append(then, l.name(c.slot))
		}
	}
	for _, c := range o.ties {
		if across || !c.key {
			ties = append(ties, l.name(c.slot))
		}
	}
	for _, at := range o.ordinals {
		if name := l.name(at); name != "" { // made further on
			ties = append(ties, name)
		}
	}
	return then, ties
}
