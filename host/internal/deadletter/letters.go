package deadletter

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/zeebo/xxh3"
)

// A row group is written when so many letters, or bytes of rows, are held.
const (
	groupRows  = 8192
	groupBytes = 4 << 20
)

// letter is a Letter whose row is encoded.
type letter struct {
	Letter
	row []byte
}

// letters is the file of one stage, while it is written.
type letters struct {
	path  string // the final name
	os    *os.File
	out   *pqarrow.FileWriter
	build *array.RecordBuilder
	bytes int
	err   error
}

// fileName makes a file name of any stage name, different for different names.
func fileName(stage string) string {
	var b strings.Builder
	for i := range len(stage) {
		switch c := stage[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + hex.EncodeToString([]byte{c}))
		}
	}
	if name := b.String(); len(name) <= 200 {
		return name + suffix
	}
	// Too long for a file system: a part to recognise it by, and a digest.
	return fmt.Sprintf("%s%%%016x.parquet", b.String()[:160], xxh3.HashString(stage))
}

func create(dir, prefix, stage string) (*letters, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f := &letters{path: filepath.Join(dir, prefix+fileName(stage))}
	var err error
	if f.os, err = os.OpenFile(f.temporary(), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644); err != nil {
		return nil, err
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryFor("row", false), parquet.WithStatsFor("row", false))
	// The library would close the file, which must be synced first.
	f.out, err = pqarrow.NewFileWriter(columns(), struct{ io.Writer }{f.os}, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, errors.Join(err, f.os.Close(), os.Remove(f.temporary()))
	}
	// The sum comes last: nothing that looks like it stands behind it.
	err = errors.Join(f.out.AppendKeyValueMetadata(formatKey, formatVersion), f.out.AppendKeyValueMetadata(sumKey, noSum))
	if err != nil {
		return nil, errors.Join(err, f.out.Close(), f.os.Close(), os.Remove(f.temporary()))
	}
	f.build = array.NewRecordBuilder(memory.DefaultAllocator, columns())
	return f, nil
}

// suffix ends the name of a file of letters.
const suffix = ".parquet"

// temporarySuffix ends the name of a file that is being written.
const temporarySuffix = ".tmp"

func (f *letters) temporary() string { return f.path + temporarySuffix }

func (f *letters) add(l letter) error {
	f.build.Field(0).(*array.BinaryBuilder).Append(l.row)
	for i, s := range []string{l.Reason, l.Message, l.Stage, l.Plugin, l.Digest} {
		f.build.Field(i + 1).(*array.StringBuilder).Append(s)
	}
	if l.Object == "" {
		f.build.Field(6).AppendNull()
		f.build.Field(7).AppendNull()
	} else {
		f.build.Field(6).(*array.StringBuilder).Append(l.Object)
		f.build.Field(7).(*array.Int64Builder).Append(l.SourceRow)
	}
	f.build.Field(8).(*array.Int64Builder).Append(hash(l.row))
	f.bytes += len(l.row) + len(l.Message)
	if f.bytes >= groupBytes || f.build.Field(0).Len() >= groupRows {
		return f.flush()
	}
	return nil
}

// flush writes what is held as a row group.
func (f *letters) flush() error {
	if f.build.Field(0).Len() == 0 {
		return nil
	}
	r := f.build.NewRecordBatch()
	defer r.Release()
	f.bytes = 0
	f.err = f.out.Write(r)
	return f.err
}

// seal gives the file its sum.
func (f *letters) seal() error {
	info, err := f.os.Stat()
	if err != nil {
		return err
	}
	return seal(f.os, info.Size())
}

// drop leaves nothing of the file.
func (f *letters) drop() error {
	f.build.Release()
	return errors.Join(f.out.Close(), f.os.Close(), os.Remove(f.temporary()))
}

// finish writes the rest and gives the file its name. After a failure nothing
// of it is left.
func (f *letters) finish() error {
	err := f.err
	if err == nil {
		err = f.flush()
	}
	f.build.Release()
	err = errors.Join(err, f.out.Close())
	if err == nil {
		err = f.seal()
	}
	if err == nil {
		err = f.os.Sync()
	}
	err = errors.Join(err, f.os.Close())
	if err == nil {
		err = os.Rename(f.temporary(), f.path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.temporary()))
	}
	return err
}
