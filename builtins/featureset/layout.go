package featureset

import (
	"sort"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
)

// layout describes Select's rows to Fold.
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

// order finds the columns that order rows of one key and timestamp: those the
// set calls `order`, then every source column it names, by name (S-301,
// S-303). A source column needs no column of its own when the rows hold it in
// the same form, and none at all when it tells no more than key, timestamp or
// order do. The first fixed columns are keys and timestamp.
func (l *layout) order(sc *scope, cfg config.FeatureSet, fixed int) error {
	l.visible = len(l.fields)
	same := map[string]bool{} // source columns that are equal among tied rows
	for _, at := range l.slots[:fixed] {
		same[sc.slots[at].stands] = true
	}
	for _, o := range []struct{ name, place string }{
		{cfg.OrderArrival, "feature_set.order.arrival"},
		{cfg.OrderSequence, "feature_set.order.sequence"},
	} {
		if o.name == "" || same[o.name] {
			continue
		}
		at, err := sc.source(o.name, o.place)
		if err != nil {
			return err
		}
		same[o.name] = true
		l.then = append(l.then, l.carry(o.name, at, sc))
	}
	var named []string
	for name := range sc.named {
		if !same[name] {
			named = append(named, name)
		}
	}
	sort.Strings(named)
	for _, name := range named {
		l.ties = append(l.ties, l.carry(name, sc.loaded[name], sc))
	}
	return nil
}

// carry gives the column of the rows that holds a source column, a hidden one
// if there is none yet.
func (l *layout) carry(name string, at int, sc *scope) string {
	for i, slot := range l.slots {
		if sc.slots[slot].stands == name {
			return l.fields[i].Name
		}
	}
	hidden := "fh_" + name
	for l.has(hidden) {
		hidden += "_"
	}
	l.add(hidden, at, sc)
	return hidden
}

func (l *layout) has(name string) bool {
	for _, f := range l.fields {
		if f.Name == name {
			return true
		}
	}
	return false
}
