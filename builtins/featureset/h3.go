package featureset

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	h3 "github.com/uber/h3-go/v4"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/internal/buffers"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// compileH3 adds a feature of cells: a column for each resolution, or, stacked,
// one column with a row for each (S-1001, S-1002).
func (s *Set) compileH3(sc *scope, h *config.H3, name, typ, place string) ([]column, error) {
	slots, err := s.cells(sc, h, place+".h3")
	if err != nil {
		return nil, err
	}
	names := cellNames(h)
	if h.Stack {
		at, err := s.stack(sc, slots, names, name, place+".h3")
		if err != nil {
			return nil, err
		}
		if at, err = s.declareMade(sc, at, typ, name, place); err != nil {
			return nil, err
		}
		sc.define(name, at)
		return []column{{name, at}}, nil
	}
	var cols []column
	for i, at := range slots {
		if at, err = s.declareMade(sc, at, typ, names[i], place); err != nil {
			return nil, err
		}
		sc.define(names[i], at)
		cols = append(cols, column{names[i], at})
	}
	return cols, nil
}

// cellNames names the columns of cells, whatever the feature is called.
func cellNames(h *config.H3) []string {
	names := make([]string, len(h.Resolutions))
	for i, r := range h.Resolutions {
		names[i] = fmt.Sprintf("lat_lng__h3_hash__%d", r)
	}
	return names
}

// cells adds the columns of cells and makes them visible.
func (s *Set) cells(sc *scope, h *config.H3, place string) ([]int, error) {
	if len(h.Resolutions) == 0 {
		return nil, fault.New(BadH3, "no resolution is given").At("%s.resolutions", place).WithHint("give some of 0 to 15")
	}
	st := cellStep{resolutions: h.Resolutions, nullZero: s.profile.ZeroIsNoPlace}
	for i, r := range h.Resolutions {
		if r < 0 || r > 15 {
			return nil, fault.New(BadH3, "resolution %d", r).At("%s.resolutions[%d]", place, i).WithHint("resolutions are 0, the coarsest, to 15")
		}
	}
	for _, c := range []struct {
		key, name string
		to        *int
	}{{"lat", h.Lat, &st.lat}, {"lng", h.Lng, &st.lng}} {
		at, err := sc.resolve(c.name, place+"."+c.key)
		if err != nil {
			return nil, err
		}
		switch typ := sc.slots[at].typ; typ.ID() {
		case arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128:
		default:
			return nil, fault.New(BadH3, "column %q is %s: expected degrees as a number", c.name, schema.TypeName(typ)).At("%s.%s", place, c.key).
				WithHint("cast it to double in [query], or by a feature before this one")
		}
		if *c.to, err = sc.convert(at, arrow.PrimitiveTypes.Float64, s.rules(), c.name, place+"."+c.key); err != nil {
			return nil, err
		}
	}
	for range h.Resolutions {
		st.to = append(st.to, sc.add(slot{typ: arrow.BinaryTypes.String}))
	}
	sc.do(st, []int{st.lat, st.lng}, st.to...)
	for i, name := range cellNames(h) {
		sc.define(name, st.to[i])
	}
	return st.to, nil
}

// cellStep names the cells of places. Each resolution is indexed by itself: the
// cells of a place do not nest exactly, so the parent of a fine one may be the
// neighbour of the coarse one.
type cellStep struct {
	resolutions []int
	nullZero    bool // a coordinate of 0 is none
	lat, lng    int
	to          []int
}

func (s cellStep) run(_ context.Context, f *frame) error {
	lats, lngs := f.slots[s.lat].(*array.Float64), f.slots[s.lng].(*array.Float64)
	at := placesOf(lats, lngs, s.nullZero)
	for i, r := range s.resolutions {
		f.slots[s.to[i]] = cellsOf(f.mem, lats.Float64Values(), lngs.Float64Values(), at, r)
	}
	return nil
}

// What placesOf says of a row.
const (
	noPlace   byte = iota
	newPlace       // another than that of the row before
	samePlace      // that of the row before
)

// placesOf tells which rows have a place on earth. Latitudes beyond the poles
// are none; longitudes go round.
func placesOf(lats, lngs *array.Float64, nullZero bool) []byte {
	x, y := lats.Float64Values(), lngs.Float64Values()
	out := make([]byte, len(x))
	for i := range x {
		switch lat, lng := x[i], y[i]; {
		case lats.IsNull(i) || lngs.IsNull(i):
		case !(math.Abs(lat) <= 90) || !(math.Abs(lng) <= math.MaxFloat64): // NaN, too
		case nullZero && (lat == 0 || lng == 0):
		case i > 0 && out[i-1] != noPlace && lat == x[i-1] && lng == y[i-1]:
			out[i] = samePlace
		default:
			out[i] = newPlace
		}
	}
	return out
}

// cellText is the length of a cell's name: 15 digits.
const cellText = 15

// cellsOf names the cells of one resolution.
func cellsOf(mem memory.Allocator, lats, lngs []float64, at []byte, resolution int) arrow.Array {
	n := len(at)
	offsets, data := buffers.New(mem, (n+1)*4), buffers.New(mem, n*cellText)
	to, text := arrow.GetData[int32](offsets.Bytes()), data.Bytes()
	end, nulls := 0, 0
	bits := buffers.Bits(mem, n)
	for i, p := range at {
		to[i] = int32(end)
		switch p {
		case newPlace:
			c := h3.LatLngToCell(h3.LatLng{Lat: lats[i], Lng: lngs[i]}, resolution)
			if c == 0 {
				nulls++
				continue
			}
			hex(text[end:end+cellText], uint64(c))
		case samePlace:
			if bits.Bytes()[(i-1)>>3]>>((i-1)&7)&1 == 0 {
				nulls++
				continue
			}
			copy(text[end:end+cellText], text[end-cellText:end])
		default:
			nulls++
			continue
		}
		bits.Bytes()[i>>3] |= 1 << (i & 7)
		end += cellText
	}
	to[n] = int32(end)
	data.Resize(end)
	return buffers.Column(arrow.BinaryTypes.String, n, nulls, bits, offsets, data)
}

// hex writes the last digits of a number.
func hex(dst []byte, v uint64) {
	const digits = "0123456789abcdef"
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = digits[v&15]
		v >>= 4
	}
}
