package jsonrows

// node is a name of an object that something is wanted of: its value, when
// field is not negative, or values below it.
type node struct {
	name  string
	field int
	below names
	// row is the number of the last row that had the name: in that row it
	// counts no more.
	row int64
}

// names are the names wanted of an object.
type names struct {
	list []*node
	at   map[string]*node // for more than a few
	next int              // objects tend to have their fields in one order
}

// few is the number of names that are faster to compare than to hash.
const few = 8

// add gives the node of a name, a new one if there is none.
func (n *names) add(name string) *node {
	for _, c := range n.list {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name, field: -1}
	n.list = append(n.list, c)
	if len(n.list) > few {
		n.at = make(map[string]*node, len(n.list))
		for _, c := range n.list {
			n.at[c.name] = c
		}
	}
	return c
}

// find gives the node of a name, or nil.
func (n *names) find(name []byte) *node {
	if n.next < len(n.list) {
		if c := n.list[n.next]; c.name == string(name) {
			n.next++
			return c
		}
	}
	if n.at != nil {
		return n.at[string(name)]
	}
	for i, c := range n.list {
		if c.name == string(name) {
			n.next = i + 1
			return c
		}
	}
	return nil
}
