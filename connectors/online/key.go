package online

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// keyOf gives the primary key for key texts by column name.
func (t *table) keyOf(texts map[string]string) ([]byte, error) {
	want := t.keys()
	names := make([]string, 0, len(texts))
	for n := range texts {
		names = append(names, n)
	}
	slices.Sort(names) // the same message every time
	for _, n := range names {
		if !slices.ContainsFunc(want, func(c column) bool { return c.name == n }) {
			return nil, t.badKey("%q is no key column", n)
		}
	}
	var key []byte
	for _, c := range want {
		text, ok := texts[c.name]
		if !ok {
			return nil, t.badKey("key column %q is missing", c.name)
		}
		v, err := staged.ParseKey(c.typ, text)
		if err != nil {
			return nil, t.badKey("key column %q: %v", c.name, err)
		}
		b := array.NewBuilder(memory.DefaultAllocator, c.typ)
		err = staged.Append(b, v)
		arr := b.NewArray()
		b.Release()
		if err == nil {
			key = canonical.AppendValue(key, arr, 0)
		}
		arr.Release()
		if err != nil {
			return nil, t.badKey("key column %q: %v", c.name, err)
		}
	}
	return key, nil
}

func (t *table) badKey(message string, args ...any) error {
	return fault.New(BadKey, message, args...).At("table %q", t.name).WithHint("the keys are (%s)", describe(t.keys()))
}
