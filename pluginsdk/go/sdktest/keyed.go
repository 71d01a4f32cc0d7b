package sdktest

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"testing"

	sdk "github.com/featurehost/featurehost/pluginsdk/go"
)

// Keyed is Run for a plugin of kind keyed: it gives the rows that the plugin made
// of rows, with the numbers of the rows they go with as fh_rows, then those of the
// flush. keys are the types of the columns fh_key_0, fh_key_1, ...; the rows of a
// key are in order of fh_time. It runs all rows as one batch, and each as a batch
// of its own on a second instance; both must give the same.
func Keyed(t testing.TB, p *sdk.Plugin, path, config string, keys []string, rows ...Row) (out, flushed []Row) {
	t.Helper()
	out, flushed, err := TryKeyed(p, path, config, keys, rows...)
	if err != nil {
		t.Fatal(err)
	}
	return out, flushed
}

// TryKeyed is Keyed for tests of what a plugin turns down.
func TryKeyed(p *sdk.Plugin, path, config string, keys []string, rows ...Row) (out, flushed []Row, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	var in []sdk.Field
	for i, typ := range keys {
		in = append(in, sdk.Field{Name: "fh_key_" + strconv.Itoa(i), Type: typ, Nullable: true})
	}
	in = append(in, sdk.Field{Name: "fh_time", Type: "timestamp[us,UTC]", Nullable: true})
	in = append(in, m.Input.Columns...)
	table, err := tableOf(in, rows)
	if err != nil {
		return nil, nil, err
	}
	whole, err := p.RunKeyed([]byte(config), in, table)
	if err != nil {
		return nil, nil, err
	}
	if m.Output.Mode == "static" && !slices.Equal(whole.Columns, m.Output.Columns) {
		return nil, nil, fmt.Errorf("the code makes %+v, the manifest declares %+v", whole.Columns, m.Output.Columns)
	}
	var single [][][]any
	for i := range table {
		single = append(single, table[i:i+1])
	}
	each, err := p.RunKeyed([]byte(config), in, single...)
	if err != nil {
		return nil, nil, fmt.Errorf("row by row: %w", err)
	}
	one, err := taken(whole, len(table))
	if err != nil {
		return nil, nil, err
	}
	many, err := taken(each, 1)
	if err != nil {
		return nil, nil, fmt.Errorf("row by row: %w", err)
	}
	if a, b := byNumber(one), byNumber(many); !reflect.DeepEqual(a, b) || !reflect.DeepEqual(whole.Flushed, each.Flushed) {
		return nil, nil, fmt.Errorf("row by row the plugin makes %v, then %v; in one batch %v, then %v", b, each.Flushed, a, whole.Flushed)
	}
	return named(whole.Columns, one), named(whole.FlushColumns, whole.Flushed), nil
}

// taken gives the rows of all batches, numbered over all.
func taken(got sdk.KeyedRows, size int) (out [][]any, err error) {
	for n, rows := range got.Batches {
		for _, r := range rows {
			i := int(r[0].(int32))
			if i < 0 || i >= size {
				return nil, fmt.Errorf("fh_rows is %d, the batch has %d rows", i, size)
			}
			out = append(out, append([]any{int32(n*size + i)}, r[1:]...))
		}
	}
	return out, nil
}

func byNumber(rows [][]any) [][]any {
	rows = slices.Clone(rows)
	sort.SliceStable(rows, func(i, k int) bool { return rows[i][0].(int32) < rows[k][0].(int32) })
	return rows
}
