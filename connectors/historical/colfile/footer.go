package colfile

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Footer is what the end of a Parquet file says.
type Footer struct {
	Rows   int64
	Schema *arrow.Schema
	Meta   map[string]string
}

// ReadFooter reads the footer of a file without touching its rows.
func ReadFooter(path string) (*Footer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ReadFooterFrom(f, st.Size())
}

// ReadFooterFrom is ReadFooter for a file of size bytes, wherever it is kept.
func ReadFooterFrom(f io.ReaderAt, size int64) (*Footer, error) {
	tail := make([]byte, min(size, 64<<10))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return nil, err
	}
	if len(tail) < 12 || !bytes.Equal(tail[len(tail)-4:], magic) {
		return nil, fmt.Errorf("no Parquet footer at the end of %d bytes", size)
	}
	n := int64(uint32(tail[len(tail)-8]) | uint32(tail[len(tail)-7])<<8 | uint32(tail[len(tail)-6])<<16 | uint32(tail[len(tail)-5])<<24)
	if n > size-12 {
		return nil, fmt.Errorf("the footer claims %d of %d bytes", n, size)
	}
	if need := n + 8; need > int64(len(tail)) {
		tail = make([]byte, need)
		if _, err := f.ReadAt(tail, size-need); err != nil {
			return nil, err
		}
	}
	md, err := metadata.NewFileMetaData(tail[int64(len(tail))-8-n:len(tail)-8], nil)
	if err != nil {
		return nil, err
	}
	s, err := pqarrow.FromParquet(md.Schema, nil, md.KeyValueMetadata())
	if err != nil {
		return nil, err
	}
	out := &Footer{Rows: md.NumRows, Schema: s, Meta: map[string]string{}}
	kv := md.KeyValueMetadata()
	for i, k := range kv.Keys() {
		out.Meta[k] = kv.Values()[i]
	}
	return out, nil
}
