package sdktest

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	sdk "github.com/featurehost/featurehost/pluginsdk/go"
)

// sums adds up x for each key. With "batches" it counts batches, which it must
// not.
type sums struct {
	Batches bool `json:"batches"`
	Beyond  bool `json:"beyond"`

	keys  []int64
	total map[int64]int64
	told  bool
}

func (s *sums) process(in sdk.Batch, out *sdk.Builder) error {
	if s.total == nil {
		s.total = map[int64]int64{}
	}
	rows := make([]int32, in.Rows())
	for i := range rows {
		rows[i] = int32(i)
		if s.Beyond {
			rows[i]++
		}
	}
	out.Take(rows)
	so := out.Int64("so_far")
	for i, key := range in.Int64("fh_key_0").Values() {
		if _, there := s.total[key]; !there {
			s.keys = append(s.keys, key)
		}
		s.total[key] += in.Int64("x").Value(i)
		so.Set(i, s.total[key])
		if s.Batches {
			so.Set(i, int64(i))
		}
	}
	return nil
}

func (s *sums) flush(out *sdk.Builder) error {
	if s.told {
		return nil
	}
	s.told = true
	out.Make(len(s.keys))
	for i, key := range s.keys {
		out.Int64("fh_key_0").Set(i, key)
		out.Timestamp("fh_time").SetNull(i)
		out.Int64("so_far").Set(i, s.total[key])
	}
	return nil
}

// ABI-M-016: rows by the names of their columns, and a plugin that depends on the
// cut of its batches is found out.
func TestKeyed_ByManifest_WhateverTheCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.json")
	m := `{"input":{"columns":[{"name":"x","type":"int64","nullable":true}]},"output":{"mode":"static","columns":[
		{"name":"fh_rows","type":"int32","nullable":false},{"name":"so_far","type":"int64","nullable":true}]}}`
	if err := os.WriteFile(path, []byte(m), 0o644); err != nil {
		t.Fatal(err)
	}
	p := sdk.Keyed((*sums).process, (*sums).flush, sdk.Field{Name: "so_far", Type: "int64", Nullable: true})
	rows := []Row{{"fh_key_0": 7, "fh_time": 1, "x": 2}, {"fh_key_0": 8, "fh_time": 1, "x": 5}, {"fh_key_0": 7, "fh_time": 2, "x": 3}}
	out, flushed := Keyed(t, p, path, "{}", []string{"int64"}, rows...)
	if out[2]["so_far"] != int64(5) || out[2]["fh_rows"] != int32(2) || len(out) != 3 {
		t.Errorf("got %v", out)
	}
	want := []Row{{"fh_key_0": int64(7), "fh_time": nil, "so_far": int64(5)}, {"fh_key_0": int64(8), "fh_time": nil, "so_far": int64(5)}}
	if !reflect.DeepEqual(flushed, want) {
		t.Errorf("flushed %v, want %v", flushed, want)
	}
	for config, says := range map[string]string{`{"batches":true}`: "row by row", `{"beyond":true}`: "fh_rows is 3"} {
		if _, _, err := TryKeyed(p, path, config, []string{"int64"}, rows...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", config, err, says)
		}
	}
	if _, _, err := TryKeyed(p, path, "{}", []string{"int64"}, Row{"y": 1}); err == nil || !strings.Contains(err.Error(), `column "y"`) {
		t.Errorf("got %v", err)
	}
}
