// Command arrow15 measures an Arrow library of 2024: how much processor time its
// Parquet writer takes (arrow15 write FILE), and what its IPC reader makes of a
// batch with one damaged byte (arrow15 read SEED). It is compiled twice, against
// v15 as it stands here and against the host's version (bench/arrow15_test.go).
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

func main() {
	var err error
	switch how, what := os.Args[1], os.Args[2]; how {
	case "write":
		err = write(what)
	case "read":
		var seed uint64
		if seed, err = strconv.ParseUint(what, 10, 64); err == nil {
			err = read(seed)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) // a panic, and want of memory, end in 2
	}
}

// rows makes keys, times, numbers and texts, as feature tables have them.
func rows(n int) arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "mean", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, {Name: "kind", Type: arrow.BinaryTypes.String},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	draw := rand.New(rand.NewPCG(15, 18))
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i / 30))
		b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(1.7e15 + int64(i%30)*86_400_000_000))
		if mean := b.Field(2).(*array.Float64Builder); i%11 == 0 {
			mean.AppendNull()
		} else {
			mean.Append(draw.NormFloat64())
		}
		b.Field(3).(*array.StringBuilder).Append(fmt.Sprintf("kind-%02d", draw.IntN(40)))
	}
	return b.NewRecord()
}

// write writes a million rows with the library's defaults, and prints the
// processor time in seconds.
func write(path string) error {
	r := rows(1_000_000)
	defer r.Release()
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	before := spent()
	w, err := pqarrow.NewFileWriter(r.Schema(), out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		return err
	}
	if err := w.Write(r); err != nil {
		return err
	}
	if err := w.Close(); err != nil { // closes the file too
		return err
	}
	fmt.Println((spent() - before).Seconds())
	return nil
}

// spent is the processor time of this process, user and system.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// read damages one byte of a batch's metadata, where lengths and offsets stand,
// reads the stream and looks at each value, as any user of it would.
func read(seed uint64) error {
	r := rows(100)
	defer r.Release()
	var head, stream bytes.Buffer
	if err := ipc.NewWriter(&head, ipc.WithSchema(r.Schema())).Close(); err != nil {
		return err
	}
	w := ipc.NewWriter(&stream, ipc.WithSchema(r.Schema()))
	if err := w.Write(r); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	b := stream.Bytes()
	from := head.Len() // its end, 8 bytes, is as long as the mark and length before metadata
	size := int(binary.LittleEndian.Uint32(b[from-4:]))
	draw := rand.New(rand.NewPCG(seed, 5))
	b[from+draw.IntN(size)] ^= byte(1 + draw.IntN(255))
	in, err := ipc.NewReader(bytes.NewReader(b))
	if err != nil {
		return err
	}
	defer in.Release()
	for in.Next() {
		for _, c := range in.Record().Columns() {
			for i := range c.Len() {
				_ = c.ValueStr(i)
			}
		}
	}
	return in.Err()
}
