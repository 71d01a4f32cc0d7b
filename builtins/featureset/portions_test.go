package featureset

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// Rows that become several are worked on in portions: all of them, in order,
// with their positions, and few enough in each; rows that stay one are not cut.
// Rules: S-1004, S-1601.
func TestPortions_AllRowsInOrder_NoneTooLarge(t *testing.T) {
	var rows []string
	for i := range 50 {
		rows = append(rows, fmt.Sprintf("%d | %s | [%s]", i, strings.Repeat("x", i*i%97), strings.TrimSuffix(strings.Repeat("1,", i%7), ",")))
	}
	r := hosttest.Record(t, "id integer, s string, l array<bigint>", rows...)
	for _, fan := range []int64{1, 2, 60} {
		for _, object := range []string{"", "file"} {
			var seen []string
			cuts := 0
			err := portions(flow.Batch{Record: r, Position: flow.Position{Object: object, Row: 7}}, fan, 2000, func(b flow.Batch) error {
				cuts++
				size := int64(0)
				for _, a := range b.Record.Columns() {
					size += heldBytes(a)
				}
				if size*fan > 2000 && b.Rows() > 1 && fan > 1 {
					t.Errorf("%d bytes in a portion of %d rows", size*fan, b.Rows())
				}
				want := flow.Position{Object: object, Row: 7}
				if object != "" {
					want.Row += int64(len(seen))
				}
				if b.Position != want {
					t.Errorf("position %v, want %v", b.Position, want)
				}
				seen = append(seen, strings.Split(strings.TrimSpace(hosttest.Text(b.Record)), "\n")...)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Split(strings.TrimSpace(hosttest.Text(r)), "\n"); !slices.Equal(seen, all) {
				t.Errorf("fan %d: %d of %d rows", fan, len(seen), len(all))
			}
			if (cuts == 1) != (fan == 1) {
				t.Errorf("fan %d: %d portions", fan, cuts)
			}
		}
	}
}

// A row that nothing could hold once it is stacked is told of, not tried.
func TestPortions_RowOfGibibytes_Refused(t *testing.T) {
	r := hosttest.Record(t, "s string", strings.Repeat("x", 1<<20))
	err := portions(flow.Batch{Record: r, Position: flow.Position{Object: "f", Row: 3}}, 4096, portionBytes, func(flow.Batch) error {
		t.Error("it was used")
		return nil
	})
	if !fault.Is(err, RowTooLong) || !strings.Contains(err.Error(), "f:row 4") || fault.ClassOf(err) != fault.Data {
		t.Errorf("got %v", err)
	}
}

// A batch whose long texts stacking would repeat past what a batch can hold
// leaves Select as several.
// Rule: S-1004.
func TestSelect_StackOfLongTexts_InPortions(t *testing.T) {
	columns, values := "id bigint, ts timestamp, s string", "1 | 2020-01-01 | "+strings.Repeat("x", 1<<20)
	for i := range 40 {
		columns, values = columns+fmt.Sprintf(", c%d integer", i), values+fmt.Sprintf(" | %d", i)
	}
	sel, _, _, _, err := opened(t, plainSet("", config.Feature{Name: "s"}, config.Feature{Name: "z", Stack: []string{"c*"}}), nil, columns)
	if err != nil {
		t.Fatal(err)
	}
	defer sel.Close()
	rows, batches := int64(0), 0
	err = sel.Process(context.Background(), flow.Batch{Record: hosttest.Record(t, columns, values, values, values, values)}, func(b flow.Batch) error {
		rows += b.Rows()
		batches++
		b.Release()
		return nil
	})
	if err != nil || rows != 160 || batches != 4 {
		t.Errorf("%d rows in %d batches, %v", rows, batches, err)
	}
}
