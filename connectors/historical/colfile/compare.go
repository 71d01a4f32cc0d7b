package colfile

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// lessEncoded compares two PLAIN values of a column in the order that its
// statistics use.
func lessEncoded(a, b []byte, descr *schema.Column) bool {
	switch descr.PhysicalType() {
	case parquet.Types.Int32:
		return int32(binary.LittleEndian.Uint32(a)) < int32(binary.LittleEndian.Uint32(b))
	case parquet.Types.Int64:
		return int64(binary.LittleEndian.Uint64(a)) < int64(binary.LittleEndian.Uint64(b))
	case parquet.Types.Float:
		return math.Float32frombits(binary.LittleEndian.Uint32(a)) < math.Float32frombits(binary.LittleEndian.Uint32(b))
	case parquet.Types.Double:
		return math.Float64frombits(binary.LittleEndian.Uint64(a)) < math.Float64frombits(binary.LittleEndian.Uint64(b))
	case parquet.Types.FixedLenByteArray: // two's complement, most significant byte first
		if sa, sb := a[0]>>7, b[0]>>7; sa != sb {
			return sa == 1
		}
	}
	return bytes.Compare(a, b) < 0
}
