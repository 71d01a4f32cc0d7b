package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// Check refuses a plugin that is not the one that was locked. A nil lock refuses
// nothing.
func (l *Lock) Check(e Entry) error {
	if l == nil {
		return nil
	}
	p, others := l.find(e)
	switch {
	case p != nil && p.Digest == e.Digest:
		return nil
	case p != nil:
		return fault.New(abi.CodeDigest, "plugin %s@%s in %s is %s, and %s has %s", e.Name, e.Version, e.Path, Short(e.Digest), l.Path, Short(p.Digest)).
			WithHint("restore it from where it is kept; or, when every plugin was looked at and the change is meant, `%s`", l.Renew)
	}
	err := fault.New(NotLocked, "plugin %s@%s in %s is not in %s%s", e.Name, e.Version, e.Path, l.Path, others)
	return err.WithHint("remove it; or, if it was looked at and is meant to run, `%s`", l.Renew)
}

// find gives the lock of a plugin; others names what it has of other versions.
func (l *Lock) find(e Entry) (p *Locked, others string) {
	var versions []string
	for i, x := range l.Plugins {
		switch {
		case x.Name != e.Name:
		case x.Version == e.Version:
			return &l.Plugins[i], ""
		default:
			versions = append(versions, x.Name+"@"+x.Version)
		}
	}
	if len(versions) > 0 {
		others = ", which has " + strings.Join(versions, ", ")
	}
	return nil, others
}

// What a Difference may be, beside the name of a field that differs.
const (
	Changed  = "changed"    // other bytes than the locked ones
	Unlocked = "not locked" // found, and not in the lock
	Gone     = "gone"       // in the lock, and no usable plugin is found
	Same     = "locked"     // no difference
)

// Difference is what lies between a lock and the plugins found.
type Difference struct {
	Name, Version string
	What          string
	Locked, Found string // values, short
	Path          string // of the plugin found; empty when it is gone
}

// State tells what a lock says of a plugin: Same, Changed or Unlocked; "" without
// a lock and of a plugin that cannot be used.
func (l *Lock) State(e Entry) string {
	if l == nil || e.Err != nil {
		return ""
	}
	switch p, _ := l.find(e); {
	case p == nil:
		return Unlocked
	case p.Digest != e.Digest:
		return Changed
	}
	return Same
}

// Differences holds a lock against the plugins found, by name and version.
func (l *Lock) Differences(entries []Entry) []Difference {
	var out []Difference
	now := LockOf(entries)
	paths := map[string]string{}
	for _, e := range entries {
		if e.Err == nil {
			paths[e.Name+"@"+e.Version] = e.Path
		}
	}
	was := map[string]Locked{}
	for _, p := range l.Plugins {
		was[p.Name+"@"+p.Version] = p
	}
	for _, is := range now.Plugins {
		id := is.Name + "@" + is.Version
		p, ok := was[id]
		delete(was, id)
		d := Difference{Name: is.Name, Version: is.Version, Path: paths[id]}
		if !ok {
			d.What, d.Found = Unlocked, Short(is.Digest)
			out = append(out, d)
			continue
		}
		for _, x := range [][3]string{
			{Changed, Short(p.Digest), Short(is.Digest)},
			{"kind", p.Kind, is.Kind}, {"transport", p.Transport, is.Transport}, {"abi", p.ABI, is.ABI},
			{"grants", strings.Join(p.Grants, " "), strings.Join(is.Grants, " ")},
			{"fuel schedule", fmt.Sprint(p.Fuel), fmt.Sprint(is.Fuel)},
		} {
			if x[1] != x[2] || x[0] == Changed && p.Digest != is.Digest {
				d.What, d.Locked, d.Found = x[0], x[1], x[2]
				out = append(out, d)
			}
		}
	}
	for _, p := range l.Plugins {
		if _, left := was[p.Name+"@"+p.Version]; left {
			out = append(out, Difference{Name: p.Name, Version: p.Version, What: Gone, Locked: Short(p.Digest)})
		}
	}
	slices.SortStableFunc(out, func(a, b Difference) int {
		if n := strings.Compare(a.Name, b.Name); n != 0 {
			return n
		}
		return compareVersions(a.Version, b.Version)
	})
	return out
}
