package avro_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
)

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func double(f float64) []byte {
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))
}

// bounded fails when f takes long or allocates much.
func bounded(t testing.TB, what string, f func()) {
	t.Helper()
	const time1, bytes1 = 10 * time.Second, 256 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	f()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if took > time1 {
		t.Errorf("%s took %s", what, took)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > bytes1 {
		t.Errorf("%s allocated %d MiB", what, n>>20)
	}
}

// wide is an array of a record with six fields of its own type.
func wide() string {
	var fields []string
	for i := range 6 {
		fields = append(fields, fmt.Sprintf(`{"name": "f%d", "type": "r"}`, i))
	}
	return `{"type": "array", "items": {"type": "record", "name": "r", "fields": [` + strings.Join(fields, ", ") + `]}}`
}

// doubling is a chain of records, each with two fields of the next. The last is
// empty.
func doubling(levels int) string {
	s := `{"type": "record", "name": "r0", "fields": []}`
	for i := 1; i <= levels; i++ {
		s = fmt.Sprintf(`{"type": "record", "name": "r%d", "fields": [{"name": "a", "type": %s}, {"name": "b", "type": "r%d"}]}`, i, s, i-1)
	}
	return s
}

// Rule: A1. Schemas of a few lines can describe worlds without a byte.
func TestDecoder_SmallHostileSchemas_Bounded(t *testing.T) {
	long := strings.Repeat("n", 10_000)
	for _, c := range []struct {
		name, typ string
		row       []byte
	}{
		{"record of six of itself", wide(), []byte{2, 0}},
		{"doubling, 20 levels", doubling(20), nil},
		{"doubling, 30 levels", doubling(30), nil},
		{"doubling behind an array", `{"type": "array", "items": ` + doubling(30) + `}`, []byte{2, 0}},
		{"array of nothings with long names", `{"type": "array", "items": {"type": "record", "name": "r", "fields": [{"name": "` + long + `", "type": "null"}]}}`, []byte{0x80, 0x80, 8, 0}},
		{"array of long symbols", `{"type": "array", "items": {"type": "enum", "name": "e", "symbols": ["` + long + `"]}}`, append(varint(30_000), make([]byte, 30_001)...)},
		{"arrays of nothings in an array", `{"type": "array", "items": {"type": "array", "items": "null"}}`, append(append(varint(5000), bytes.Repeat([]byte{0x80, 0x80, 8, 0}, 5000)...), 0)},
		{"many nothings", `{"type": "array", "items": "null"}`, append(bytes.Repeat([]byte{0x80, 0x80, 8}, 10), 0)},
	} {
		for _, reader := range []string{x(c.typ), ""} { // taken and stepped over
			bounded(t, c.name, func() {
				s := parse(t, record(x(c.typ)))
				d, p := decoder(t, parse(t, record(reader)), s)
				if err := d.Append(p, c.row); !fault.Is(err, avro.Corrupt) && !(reader == "" && strings.HasPrefix(c.name, "array of")) {
					t.Errorf("%s: %v", c.name, err)
				} else if err != nil && strings.Contains(c.name, "doubling") && !strings.Contains(err.Error(), "131072") {
					t.Errorf("%s: the limit is not named: %v", c.name, err)
				}
			})
		}
	}
}

// A default of nothing but empty records doubles at every level, and takes no
// bytes.
func TestPlan_DefaultOfManyNothings_Refused(t *testing.T) {
	s := strings.ReplaceAll(doubling(30), `}, {"name": "b"`, `, "default": {}}, {"name": "b"`)
	for i := range 30 {
		s = strings.ReplaceAll(s, fmt.Sprintf(`"type": "r%d"}`, i), fmt.Sprintf(`"type": "r%d", "default": {}}`, i))
	}
	bounded(t, "the default", func() {
		d, err := avro.NewDecoder(parse(t, record(`{"name": "x", "type": `+s+`, "default": {}}`)), []string{"x"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Plan(parse(t, record(""))); !fault.Is(err, avro.BadSchema) {
			t.Error(err)
		}
	})
}

// Two records that hold themselves after 401 and 409 steps meet in 164,009
// pairs of types.
func TestPlan_ManyPairsOfTypes_Refused(t *testing.T) {
	cycle := func(n int) string {
		s := `"r0"`
		for i := n - 1; i >= 0; i-- {
			s = fmt.Sprintf(`{"type": "record", "name": "r%d", "fields": [{"name": "n", "type": ["null", %s]}]}`, i, s)
		}
		return s
	}
	d, err := avro.NewDecoder(parse(t, record(x(cycle(401)))), []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	bounded(t, "the plan", func() {
		if _, err := d.Plan(parse(t, record(x(cycle(409))))); !fault.Is(err, avro.BadSchema) {
			t.Error(err)
		}
	})
	if _, err := d.Plan(parse(t, record(x(cycle(401))))); err != nil {
		t.Error(err)
	}
}

// What columns hold counts, not what they are made of, so that whoever watches
// Bytes ends a batch in time; who does not is refused before offsets overflow.
func TestDecoder_RowsThatGrow_Counted(t *testing.T) {
	s := parse(t, record(x(`{"type": "array", "items": "null"}`)))
	d, p := decoder(t, s, s)
	row := []byte{0x80, 0x80, 8, 0} // 65536 nulls
	if err := d.Append(p, row); err != nil {
		t.Fatal(err)
	}
	if n := d.Bytes(); n < 65536 || n > 4<<20 {
		t.Errorf("%d bytes of one row", n)
	}
	for range 1000 {
		if err := d.Append(p, row); err != nil {
			t.Fatal(err)
		}
		if d.Bytes() > 16<<20 {
			break
		}
	}
	if d.Rows() < 10 || d.Rows() > 256 {
		t.Errorf("%d rows in %d bytes", d.Rows(), d.Bytes())
	}
	for _, a := range d.Arrays() {
		a.Release()
	}
	if d.Bytes() != 0 {
		t.Error(d.Bytes())
	}
}

// The limits of a row are not those of the defaults added to it.
func TestDecoder_LargeRowAndDefaults_Taken(t *testing.T) {
	list := `{"name": "l", "type": {"type": "array", "items": {"type": "map", "values": "int"}}}`
	reader := parse(t, record(list+`, {"name": "x", "type": {"type": "map", "values": "string"}, "default": {"k": "v"}}`))
	d, p := decoder(t, reader, parse(t, record(list)))
	const n = 400_000
	row := append(append(varint(n), bytes.Repeat([]byte{2, 2, 'k', 2, 0}, n)...), 0)
	if err := d.Append(p, row); err != nil {
		t.Fatal(err)
	}
	columns := d.Arrays()
	if got := columns[1].ValueStr(0); got != `{"k":"v"}` || len(columns[0].ValueStr(0)) != 8*n+1 {
		t.Error(got, len(columns[0].ValueStr(0)))
	}
	for _, c := range columns {
		c.Release()
	}
}

func TestDecoder_BatchFull_RefusedUntilTaken(t *testing.T) {
	s := parse(t, record(x(`"string"`)))
	d, p := decoder(t, s, s)
	row := counted([]byte("text"))
	rows := 0
	for ; rows < 3; rows++ {
		if err := d.Append(p, row); err != nil {
			t.Fatal(err)
		}
	}
	d.Pretend(1<<30 - 2)
	for range 2 {
		if err := d.Append(p, row); !fault.Is(err, avro.Full) || d.Rows() != rows {
			t.Fatal(err, d.Rows())
		}
	}
	a := d.Arrays()[0]
	if a.Len() != rows || a.ValueStr(rows-1) != "text" {
		t.Error(a)
	}
	a.Release()
	if err := d.Append(p, row); err != nil {
		t.Fatal(err)
	}
}

func TestDecoder_SixteenByteMinimum_NotOf38Digits(t *testing.T) {
	decimal := `{"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 0}`
	s := parse(t, record(x(decimal)))
	d, p := decoder(t, s, s)
	if err := d.Append(p, counted(append([]byte{0x80}, make([]byte, 15)...))); !fault.Is(err, avro.Corrupt) {
		t.Error(err)
	}
	inner := parse(t, record(x(`{"type": "map", "values": `+decimal+`}`)))
	d, p = decoder(t, inner, inner)
	if err := d.Append(p, append(append([]byte{2, 2, 'k'}, counted(append([]byte{0x80}, make([]byte, 15)...))...), 0)); !fault.Is(err, avro.Corrupt) {
		t.Error(err)
	}
}

// A decimal with more places than columns can have is a bad row inside JSON.
func TestDecoder_DecimalOfManyPlaces_BadRow(t *testing.T) {
	s := parse(t, record(x(`{"type": "map", "values": {"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 50}}`)))
	d, p := decoder(t, s, s)
	if err := d.Append(p, []byte{2, 2, 'k', 2, 7, 0}); !fault.Is(err, avro.Corrupt) {
		t.Error(err)
	}
}

// endless gives zero bytes behind its beginning, and counts them.
type endless struct {
	begin *bytes.Reader
	given int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.begin.Len() > 0 {
		return e.begin.Read(b)
	}
	if e.given += len(b); e.given > 256<<20 {
		return 0, fmt.Errorf("read %d bytes", e.given)
	}
	clear(b)
	return len(b), nil
}

func TestOpenContainer_LargestLength_Refused(t *testing.T) {
	// One entry, its key of one byte, its value of 2^63-1.
	b := append([]byte("Obj\x01\x02\x02k"), varint(math.MaxInt64)...)
	in := &endless{begin: bytes.NewReader(b)}
	if _, err := avro.OpenContainer(in); !fault.Is(err, avro.Corrupt) || in.given > 1<<20 {
		t.Errorf("%d bytes read: %v", in.given, err)
	}
}
