package host

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// Until it is answered, a key is new, and kept; then what was not asked before
// needs all rows.
// Rule: S-1105.
func TestAsked_BeforeAndAfterTheAnswer_WhatIsKnown(t *testing.T) {
	r := hosttest.Record(t, "v double, id bigint, s string", "1 | 1 | a", "2 | 1 | b", "3 | null | a", "4 | 1 | a", "5 | 2 | a")
	defer r.Release()
	a := &asked{columns: []int{1, 2}, stored: true, keys: map[string]bool{}}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, row := range []int{0, 1, 2, 3} {
				if had, err := a.Had(r, row); had || err != nil {
					t.Errorf("row %d: %v, %v", row, had, err)
				}
			}
		})
	}
	wg.Wait()
	if len(a.keys) != 3 {
		t.Errorf("%d keys of 3 were kept", len(a.keys))
	}
	for k := range a.keys {
		a.keys[k] = true
	}
	a.answered = true
	if had, err := a.Had(r, 3); !had || err != nil {
		t.Errorf("answered: %v, %v", had, err)
	}
	if _, err := a.Had(r, 4); !errors.Is(err, flow.ErrNeedsHistory) {
		t.Errorf("a key that came later: %v", err)
	}
}

func TestAsked_NothingStoredOrTooMany_NeedsHistory(t *testing.T) {
	r := hosttest.Record(t, "id bigint", "1")
	defer r.Release()
	a := &asked{columns: []int{0}, keys: map[string]bool{}}
	if _, err := a.Had(r, 0); !errors.Is(err, flow.ErrNeedsHistory) {
		t.Errorf("nothing stored: %v", err)
	}
	a.stored = true
	for i := range mostAsked {
		a.keys[fmt.Sprint(i, strings.Repeat("k", 20))] = false
	}
	if _, err := a.Had(r, 0); !errors.Is(err, flow.ErrNeedsHistory) || len(a.keys) != mostAsked {
		t.Errorf("too many: %v, %d keys", err, len(a.keys))
	}
}
