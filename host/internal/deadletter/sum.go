package deadletter

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A file holds the sha256 of itself, computed with zeros in the place of the
// sum. The decoders of Parquet and Arrow believe the lengths and counts that they
// read, so bytes that were damaged must not reach them.
const sumKey = "featurehost.sha256"

// noSum stands where the sum will be, and whenever it is computed.
var noSum = strings.Repeat("0", hex.EncodedLen(sha256.Size))

// sumStart is what precedes the sum in the footer: its key, and the marks by
// which the footer's encoding begins a string of 18 and one of 64 bytes.
const sumStart = "\x18\x12" + sumKey + "\x18\x40"

// seal puts the sum into a file of so many bytes that is written to its end.
func seal(f interface {
	io.ReaderAt
	io.WriterAt
}, size int64) error {
	at, err := sumPlace(f, size)
	if err != nil {
		return err
	}
	if at == 0 {
		return errors.New("the footer has no place for the sum of the file")
	}
	sum, err := sumOf(f, size, at)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(sum), at)
	return err
}

// checkSum reports whether a file of so many bytes has a sum, and refuses it when
// it is another one.
func checkSum(f io.ReaderAt, size int64) (bool, error) {
	at, err := sumPlace(f, size)
	if at == 0 || err != nil {
		return false, err
	}
	kept := make([]byte, len(noSum))
	if _, err := f.ReadAt(kept, at); err != nil {
		return true, err
	}
	sum, err := sumOf(f, size, at)
	if err == nil && sum != string(kept) {
		err = errors.New("the file is damaged: its bytes do not have the sum kept with them")
	}
	return true, err
}

// sumPlace tells where the sum of a file stands, and 0 when the file has none. The
// last place counts: texts of letters stand in the footer too, before it.
func sumPlace(f io.ReaderAt, size int64) (int64, error) {
	const end = 8 // the footer's length, and PAR1
	if size <= end {
		return 0, fmt.Errorf("the file has %d bytes: it is no Parquet file, or it was cut", size)
	}
	tail := make([]byte, end)
	if _, err := f.ReadAt(tail, size-end); err != nil {
		return 0, err
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if string(tail[4:]) != "PAR1" || length > size-end {
		return 0, errors.New("the file does not end as a Parquet file does: it is none, or it is damaged")
	}
	footer := make([]byte, length)
	if _, err := f.ReadAt(footer, size-end-length); err != nil {
		return 0, err
	}
	at := strings.LastIndex(string(footer), sumStart)
	if at < 0 || at+len(sumStart)+len(noSum) > len(footer) {
		return 0, nil
	}
	return size - end - length + int64(at+len(sumStart)), nil
}

// sumOf computes the sum of a file that keeps it at a place.
func sumOf(f io.ReaderAt, size, at int64) (string, error) {
	behind := at + int64(len(noSum))
	h := sha256.New()
	_, err := io.Copy(h, io.MultiReader(io.NewSectionReader(f, 0, at), strings.NewReader(noSum), io.NewSectionReader(f, behind, size-behind)))
	return hex.EncodeToString(h.Sum(nil)), err
}
