package flow_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// All rows are handed on, in order, and no piece is empty, whatever most says.
func TestBatch_Pieces_AllRowsInOrder(t *testing.T) {
	in := hosttest.Batch(t, "x bigint", "0", "1", "2", "3", "4")
	defer in.Release()
	for name, c := range map[string]struct {
		most func(rest flow.Batch) int64
		want string
	}{
		"two":      {func(flow.Batch) int64 { return 2 }, "[0 1][2 3][4]"},
		"all":      {func(rest flow.Batch) int64 { return rest.Rows() }, "[0 1 2 3 4]"},
		"too many": {func(flow.Batch) int64 { return 1 << 40 }, "[0 1 2 3 4]"},
		"none":     {func(flow.Batch) int64 { return 0 }, "[0][1][2][3][4]"},
		"less":     {func(rest flow.Batch) int64 { return rest.Rows() - 1 }, "[0 1 2 3][4]"},
	} {
		got, next := "", int64(0)
		err := in.Pieces(c.most, func(piece flow.Batch) error {
			var ids []int64
			for range piece.Rows() {
				ids = append(ids, next)
				next++
			}
			got += fmt.Sprint(ids)
			if text := hosttest.Text(piece.Record); text[0] != byte('0'+ids[0]) {
				t.Errorf("%s: the piece of %v holds %q", name, ids, text)
			}
			return nil
		})
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
	no, calls := errors.New("no"), 0
	if err := in.Pieces(func(flow.Batch) int64 { return 2 }, func(flow.Batch) error { calls++; return no }); !errors.Is(err, no) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// counted is a record that counts how often it is given back.
type counted struct {
	flow.Record
	n *int
}

func (c counted) Release() { *c.n++ }

// Batches behind an error are given back, once each; those before it are emit's.
func TestEmitAll_Error_GivesBackTheRest(t *testing.T) {
	no := errors.New("no")
	var given [4]int
	var out []flow.Batch
	for i := range given {
		out = append(out, flow.Batch{Record: counted{n: &given[i]}})
	}
	calls := 0
	err := flow.EmitAll(out, func(flow.Batch) error {
		if calls++; calls == 2 {
			return no
		}
		return nil
	})
	if !errors.Is(err, no) || calls != 2 || given != [4]int{0, 0, 1, 1} {
		t.Errorf("%d calls, %v, given back %v", calls, err, given)
	}
}
