package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi"
)

// Numbers of types in Arrow's Schema.fbs.
const (
	typeInt       = 2
	typeFloat     = 3
	typeBinary    = 4
	typeUTF8      = 5
	typeBool      = 6
	typeDecimal   = 7
	typeDate      = 8
	typeTimestamp = 10
	typeList      = 12
	typeStruct    = 13
	typeFixed     = 15
)

// maxZone is the most that the name of a time zone may have: the longest of the
// database has 32 bytes.
const maxZone = 64

// ReadEncapsulated reads a schema as it stands at the head of an IPC stream:
// a mark, a length, the metadata. What follows is ignored.
func ReadEncapsulated(b []byte) (*arrow.Schema, error) {
	const mark = 0xffff_ffff
	if len(b) >= 4 && binary.LittleEndian.Uint32(b) == mark {
		b = b[4:]
	}
	if len(b) < 4 {
		return nil, errors.New("it is cut short")
	}
	n := binary.LittleEndian.Uint32(b)
	if b = b[4:]; uint64(n) > uint64(len(b)) {
		return nil, fmt.Errorf("it is cut short: its metadata is said to have %d bytes, %d are there", n, len(b))
	}
	return ReadSchema(b[:n])
}

// ReadSchema reads the metadata of a schema message. It refuses types that may
// not cross, dictionaries, names that stand twice, and depths and numbers of
// columns above those of the ABI. Metadata of fields is ignored, so an
// extension type is what it is stored as.
func ReadSchema(metadata []byte) (*arrow.Schema, error) {
	f := &flat{b: metadata}
	kind, t, err := header(f)
	switch {
	case err != nil:
		return nil, err
	case kind != Schema:
		return nil, fmt.Errorf("it is a message of kind %d, expected a schema (%d)", kind, Schema)
	case t.number(0, 2) != 0:
		return nil, errors.New("it is big endian")
	}
	left := abi.MaxColumns
	fields, err := readFields(t, 1, 1, &left)
	if f.bad {
		return nil, errBroken
	}
	if err != nil {
		return nil, err
	}
	return arrow.NewSchema(fields, nil), nil
}

// readFields reads the fields in slot i of a table.
func readFields(t table, i, depth int, left *int) (fields []arrow.Field, err error) {
	seen := map[string]bool{}
	t.tables(i, func(child table) bool {
		var field arrow.Field
		if *left--; *left < 0 {
			err = fmt.Errorf("it has more than %d columns, fields of nested types included", abi.MaxColumns)
		} else if field, err = readField(child, depth, left); err == nil && seen[field.Name] {
			err = fmt.Errorf("column %q stands twice", field.Name)
		}
		seen[field.Name] = true
		fields = append(fields, field)
		return err == nil
	})
	return fields, err
}

func readField(t table, depth int, left *int) (arrow.Field, error) {
	name, fits := t.text(0, abi.MaxName)
	f := arrow.Field{Name: name, Nullable: t.number(1, 1) != 0}
	switch {
	case t.f.bad:
		return f, errBroken
	case !fits:
		return f, fmt.Errorf("a column name has more than %d bytes", abi.MaxName)
	case depth > abi.MaxDepth:
		return f, fmt.Errorf("column %q is nested deeper than %d", f.Name, abi.MaxDepth)
	case t.has(4):
		return f, fmt.Errorf("column %q is a dictionary, which may not cross: write the values themselves", f.Name)
	}
	kids, err := readFields(t, 5, depth+1, left)
	if err != nil {
		return f, fmt.Errorf("column %q: %w", f.Name, err)
	}
	if f.Type, err = readType(t.number(2, 1), t.table(3), kids); err != nil {
		return f, fmt.Errorf("column %q: %w", f.Name, err)
	}
	return f, nil
}

func readType(number int64, t table, kids []arrow.Field) (arrow.DataType, error) {
	if number != typeList && number != typeStruct && len(kids) > 0 {
		return nil, fmt.Errorf("a type of number %d has %d children", number, len(kids))
	}
	switch number {
	case typeInt:
		signed := t.number(1, 1) != 0
		for _, p := range []arrow.FixedWidthDataType{
			&arrow.Int8Type{}, &arrow.Int16Type{}, &arrow.Int32Type{}, &arrow.Int64Type{},
			&arrow.Uint8Type{}, &arrow.Uint16Type{}, &arrow.Uint32Type{}, &arrow.Uint64Type{},
		} {
			if arrow.IsSignedInteger(p.ID()) == signed && int64(p.BitWidth()) == t.number(0, 4) {
				return p, nil
			}
		}
	case typeFloat:
		switch t.number(0, 2) {
		case 1:
			return arrow.PrimitiveTypes.Float32, nil
		case 2:
			return arrow.PrimitiveTypes.Float64, nil
		}
	case typeBinary:
		return arrow.BinaryTypes.Binary, nil
	case typeUTF8:
		return arrow.BinaryTypes.String, nil
	case typeBool:
		return arrow.FixedWidthTypes.Boolean, nil
	case typeDecimal:
		width := int64(128)
		if t.has(2) {
			width = t.number(2, 4)
		}
		p, s := t.number(0, 4), t.number(1, 4)
		if width == 128 && p >= 1 && p <= 38 && s >= 0 && s <= p {
			return &arrow.Decimal128Type{Precision: int32(p), Scale: int32(s)}, nil
		}
	case typeDate:
		if t.has(0) && t.number(0, 2) == 0 { // the default is milliseconds
			return arrow.FixedWidthTypes.Date32, nil
		}
	case typeTimestamp:
		if unit := t.number(0, 2); unit >= 0 && unit <= int64(arrow.Nanosecond) {
			zone, fits := t.text(1, maxZone)
			if !fits {
				return nil, fmt.Errorf("its time zone has more than %d bytes", maxZone)
			}
			return &arrow.TimestampType{Unit: timeUnit(unit), TimeZone: zone}, nil
		}
	case typeFixed:
		if w := t.number(0, 4); w >= 1 && w <= 1<<20 {
			return &arrow.FixedSizeBinaryType{ByteWidth: int(w)}, nil
		}
	case typeList:
		if len(kids) == 1 {
			return arrow.ListOfField(kids[0]), nil
		}
	case typeStruct:
		return arrow.StructOf(kids...), nil
	}
	return nil, fmt.Errorf("its type (number %d of Arrow's) may not cross from a plugin", number)
}

// timeUnit reads Arrow's number of a unit: seconds, then a thousandth each.
func timeUnit(n int64) arrow.TimeUnit {
	return []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond}[n]
}
