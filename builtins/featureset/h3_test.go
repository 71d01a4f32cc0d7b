package featureset

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	h3 "github.com/uber/h3-go/v4"
	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/hosttest"
)

func places(resolutions ...int) *config.H3 {
	return &config.H3{Lat: "lat", Lng: "lng", Resolutions: resolutions}
}

const placeColumns = "id bigint, ts timestamp, lat double, lng double"

// Rules: S-1001, S-1003, S-404.
func TestH3_NoPlace_NoCell(t *testing.T) {
	rows := hosttest.Record(t, placeColumns,
		"1 | 2020-01-01 | 0 | 10", "2 | 2020-01-01 | null | 1", "3 | 2020-01-01 | 1 | null", "4 | 2020-01-01 | NaN | 1", "5 | 2020-01-01 | 1 | Inf",
		"6 | 2020-01-01 | 90.0001 | 1", "7 | 2020-01-01 | -90 | 1", "8 | 2020-01-01 | 10 | 370", "9 | 2020-01-01 | 10 | 10")
	b := bench{cfg: plainSet("", config.Feature{Name: "geo", H3: places(2)})}
	const rest = `
		2 | 2020-01-01 | null
		3 | 2020-01-01 | null
		4 | 2020-01-01 | null
		5 | 2020-01-01 | null
		6 | 2020-01-01 | null
		7 | 2020-01-01 | 82f297fffffffff
		8 | 2020-01-01 | 8258e7fffffffff
		9 | 2020-01-01 | 8258e7fffffffff`
	table(t, b.run(t, rows), "1 | 2020-01-01 | 8282f7fffffffff"+rest)
	if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, lat_lng__h3_hash__2 string" {
		t.Error(got)
	}
	b.cfg.Semantics = "butterfree"
	table(t, b.run(t, rows), "1 | 2020-01-01 | null"+rest)
	// The declared type is applied, and not by the original.
	for semantics, want := range map[string]string{"": "binary", "butterfree": "string"} {
		b := bench{cfg: plainSet(semantics, config.Feature{Name: "geo", Type: "binary", H3: places(2)})}
		b.run(t, rows)
		if got := columnsOf(b.out); got != "id bigint, timestamp timestamp, lat_lng__h3_hash__2 "+want {
			t.Error(got)
		}
	}
}

// Cells are visible to the features behind, stacked or not, and integers and
// decimals are coordinates too.
// Rules: S-603, S-1001, S-1002.
func TestH3_Stacked(t *testing.T) {
	h := places(0, 3)
	h.Stack = true
	cfg := plainSet("", config.Feature{Name: "cell", H3: h}, config.Feature{Name: "coarse", From: "lat_lng__h3_hash__0"})
	for _, columns := range []string{placeColumns, "id bigint, ts timestamp, lat integer, lng decimal(5,2)"} {
		b := bench{cfg: cfg}
		table(t, b.run(t, hosttest.Record(t, columns, "1 | 2020-01-01 | 10 | 10", "1 | 2020-01-02 | 10 | null")), `
			1 | 2020-01-01 | 8059fffffffffff | 8059fffffffffff
			1 | 2020-01-01 | 8358e0fffffffff | 8059fffffffffff
			1 | 2020-01-02 | null | null`)
		if b.counts.N["stacked_rows{cell}"] != 2 || b.counts.N["duplicates_dropped{}"] != 1 {
			t.Errorf("counts are %v", b.counts.N)
		}
	}
	cfg = plainSet("", config.Feature{Name: "v"})
	cfg.Keys = []config.Key{{Name: "cell", Type: "string", H3: h}}
	b := bench{cfg: cfg}
	table(t, b.run(t, hosttest.Record(t, "v bigint, ts timestamp, lat double, lng double", "1 | 2020-01-01 | 10 | 10", "2 | 2020-01-02 | 10 | 11", "3 | 2020-01-02 | NaN | 11")), `
		8059fffffffffff | 2020-01-01 | 1
		8059fffffffffff | 2020-01-02 | 2
		8358e0fffffffff | 2020-01-01 | 1
		8358e1fffffffff | 2020-01-02 | 2`)
	if len(b.rejected.Rows) != 2 || b.counts.N["stacked_rows{cell}"] != 3 {
		t.Errorf("rejected %q, counts %v", b.rejected.Rows, b.counts.N)
	}
}

// Rule: S-1001.
func TestH3_Refused(t *testing.T) {
	const columns = "id bigint, ts timestamp, lat double, lng double, s string"
	feature := func(h config.H3) config.FeatureSet { return plainSet("", config.Feature{Name: "geo", H3: &h}) }
	_, _, _, _, err := opened(t, feature(config.H3{Lat: "lta", Lng: "lng", Resolutions: []int{1}}), nil, columns)
	refused(t, err, UnknownColumn, "feature_set.feature[0].h3.lat", `did you mean "lat"?`)
	_, _, _, _, err = opened(t, feature(config.H3{Lat: "lat", Lng: "s", Resolutions: []int{1}}), nil, columns)
	refused(t, err, BadH3, "feature_set.feature[0].h3.lng", "cast it to double")
	_, _, _, _, err = opened(t, feature(config.H3{Lat: "lat", Lng: "lng", Resolutions: []int{1, 16}}), nil, columns)
	refused(t, err, BadH3, "feature_set.feature[0].h3.resolutions[1]", "to 15")
	_, _, _, _, err = opened(t, feature(config.H3{Lat: "lat", Lng: "lng"}), nil, columns)
	refused(t, err, BadH3, "feature_set.feature[0].h3.resolutions", "0 to 15")
	_, _, _, _, err = opened(t, plainSet("", config.Feature{Name: "a", H3: places(1)}, config.Feature{Name: "b", H3: places(2, 1)}), nil, columns)
	refused(t, err, NameTaken, "feature_set.feature[1].name", "lat_lng__h3_hash__1")
	cfg := plainSet("", config.Feature{Name: "s"})
	cfg.Keys = []config.Key{{Name: "cell", H3: places(3)}}
	_, _, _, _, err = opened(t, cfg, nil, columns)
	refused(t, err, BadH3, "feature_set.keys[0].h3", "stack = true")
}

// A cell's parent need not be the coarser cell of the place, so every
// resolution is indexed by itself; and any places, repeated or not, give the
// cells of the library.
// Rules: S-1001, S-1003.
func TestH3_AnyPlaces_CellsOfTheLibrary(t *testing.T) {
	strays := 0
	for i := range 2000 {
		at := h3.LatLng{Lat: float64(i%170) - 85, Lng: float64(i*37%360) - 180}
		if h3.LatLngToCell(at, 15).Parent(6) != h3.LatLngToCell(at, 6) {
			strays++
		}
	}
	if strays == 0 {
		t.Error("parents are the cells of their places: one indexing would serve all resolutions")
	}
	rapid.Check(t, func(rt *rapid.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		defer mem.AssertSize(t, 0)
		b := array.NewRecordBuilder(mem, hosttest.Record(t, "lat double, lng double").Schema())
		defer b.Release()
		degrees := rapid.OneOf(rapid.Float64Range(-95, 95), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(-1), 89.9, 179.9}))
		var want []string
		res := rapid.IntRange(0, 15).Draw(rt, "resolution")
		var lat, lng float64
		for i := range rapid.IntRange(1, 20).Draw(rt, "rows") {
			if i == 0 || rapid.Bool().Draw(rt, "moves") {
				lat, lng = degrees.Draw(rt, "lat"), degrees.Draw(rt, "lng")
			}
			if rapid.IntRange(0, 4).Draw(rt, "null") == 0 {
				b.Field(0).AppendNull()
				b.Field(1).(*array.Float64Builder).Append(lng)
				want = append(want, "null")
				continue
			}
			b.Field(0).(*array.Float64Builder).Append(lat)
			b.Field(1).(*array.Float64Builder).Append(lng)
			if math.Abs(lat) <= 90 && !math.IsInf(lng, 0) && lng == lng {
				want = append(want, fmt.Sprintf("%015x", uint64(h3.LatLngToCell(h3.LatLng{Lat: lat, Lng: lng}, res))))
			} else {
				want = append(want, "null")
			}
		}
		r := b.NewRecordBatch()
		defer r.Release()
		lats, lngs := r.Column(0).(*array.Float64), r.Column(1).(*array.Float64)
		out := cellsOf(mem, lats.Float64Values(), lngs.Float64Values(), placesOf(lats, lngs, false), res)
		defer out.Release()
		var got []string
		for i := range out.Len() {
			got = append(got, hosttest.Value(out, i))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			rt.Fatalf("got %v, want %v", got, want)
		}
	})
}
