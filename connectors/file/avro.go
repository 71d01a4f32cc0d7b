package file

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
)

const (
	// avroBatch ends a batch of long rows early.
	avroBatch = 16 << 20
	// mostEmptyRows is how many rows without a byte a block may claim.
	mostEmptyRows = 1 << 20
)

// container is an Avro file that is read.
type container struct {
	file    io.ReadCloser
	in      *avro.Container
	decoder *avro.Decoder
	plan    *avro.Plan
	block   []byte
	left    int64 // rows of the block
	row     int64 // of the file's next row
}

func (c *container) close() { c.file.Close() }

// openContainer opens an Avro file and reads its header.
func (r *Reader) openContainer(ctx context.Context, o object) (*container, error) {
	f, _, err := r.openBytes(ctx, o)
	if err != nil {
		return nil, err
	}
	in, err := avro.OpenContainer(f)
	if err != nil {
		f.Close()
		return nil, avroFault(err, o.path)
	}
	return &container{file: f, in: in}, nil
}

// avroFault says which file an error of its decoder is about; what the object
// store said stays as it is.
func avroFault(err error, path string) error {
	f := fault.As(err)
	if f == nil {
		return fault.Wrap(err, CannotRead, "the file cannot be read").At("%s", path)
	}
	if inner := fault.As(f.Err); inner != nil {
		return inner
	}
	code := f.Code
	if code == avro.Corrupt {
		code = Corrupt
	}
	place := path
	if f.Place != "" {
		place += ", " + f.Place
	}
	return &fault.Error{Code: code, Place: place, Message: f.Message, Hint: f.Hint, Err: f.Err}
}

// avroFields reads the columns of the first Avro file.
func (r *Reader) avroFields(ctx context.Context, o object) ([]arrow.Field, error) {
	c, err := r.openContainer(ctx, o)
	if err != nil {
		return nil, err
	}
	defer c.close()
	r.avro = c.in.Schema()
	if len(r.avro.Fields()) == 0 {
		return nil, fault.New(NotReadableType, "the record of the file has no fields").At("%s", o.path)
	}
	return r.avro.Fields(), nil
}

// openAvro starts on an Avro file. Its rows are read as the first file's schema
// says: a column that it does not have takes that schema's default, or null; one
// that only it has is an error (F3).
func (r *Reader) openAvro(x *read, o object) (err error) {
	c, err := r.openContainer(x.fetch.ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	for _, f := range c.in.Schema().Fields() {
		if !r.schema.HasField(f.Name) && !avro.Renames(r.avro, f.Name) {
			return fault.New(ColumnsDiffer, "the file has a column %q of type %s, which %s has not", f.Name, schema.TypeName(f.Type), r.list[0].path).At("%s", o.path)
		}
	}
	x.object, x.own = o, nil
	var names []string
	wanted := func(name string) {
		if !hasField(r.partitions, name) {
			x.own, names = append(x.own, &storedField{name: name}), append(names, name)
		}
	}
	for _, f := range x.out.Fields() {
		wanted(f.Name)
	}
	if x.days != nil && x.days.column != "" && !x.out.HasField(x.days.column) {
		wanted(x.days.column)
	}
	if c.decoder, err = avro.NewDecoder(r.avro, names); err != nil {
		return avroFault(err, o.path)
	}
	if c.plan, err = c.decoder.Plan(c.in.Schema()); err != nil {
		f := fault.As(err)
		return fault.New(ColumnsDiffer, "%s: %s, as %s has it", f.Place, f.Message, r.list[0].path).At("%s", o.path)
	}
	x.avro = c
	return nil
}

// decodeAvro makes the next batch of an Avro file ready.
func (r *Reader) decodeAvro(ctx context.Context, x *read) error {
	c := x.avro
	row := c.row
	for c.decoder.Rows() < x.rows && c.decoder.Bytes() < avroBatch {
		if c.left == 0 {
			if err := c.nextBlock(x.object.path); err == io.EOF { //nolint:errorlint // the end itself
				break
			} else if err != nil {
				return err
			}
			continue
		}
		used, err := c.decoder.AppendFrom(c.plan, c.block)
		if err != nil {
			f := fault.As(err)
			return fault.New(Corrupt, "%s", f.Message).At("%s:row %d", x.object.path, c.row+1)
		}
		c.block = c.block[used:]
		c.left--
		c.row++
	}
	n := c.decoder.Rows()
	if n == 0 {
		r.stats.Bytes += c.in.Bytes()
		c.close()
		x.avro = nil
		return nil
	}
	arrays := c.decoder.Arrays()
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	r.stats.Rows += int64(n)
	whole, err := r.assemble(x, arrays, n)
	if err != nil {
		return err
	}
	defer whole.Release()
	return r.cut(ctx, x, whole, arrays, row)
}

// nextBlock goes to the next block that has rows.
func (c *container) nextBlock(path string) error {
	if len(c.block) > 0 {
		return fault.New(Corrupt, "%d bytes are left behind the rows of a block", len(c.block)).At("%s:row %d", path, c.row+1)
	}
	block, n, err := c.in.Next()
	if err == io.EOF { //nolint:errorlint // the end itself
		return io.EOF
	}
	if err != nil {
		return avroFault(err, path)
	}
	if n > int64(len(block))+mostEmptyRows {
		return fault.New(Corrupt, "a block of %d bytes claims to hold %d rows", len(block), n).At("%s:row %d", path, c.row+1)
	}
	c.block, c.left = block, n
	return nil
}
