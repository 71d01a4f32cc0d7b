package main

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// frames are misdeeds in the messages themselves, whatever their columns hold.
func frames() map[string]func(*answer) error {
	return map[string]func(*answer) error{
		"truncated": func(*answer) error { return errEnd },
		"truncated_after_data": func(a *answer) error {
			a.part(a.values(a.twice...))
			return errEnd
		},
		"garbage_header": func(a *answer) error { a.send(bytes.Repeat([]byte{0xff}, 64), nil, ""); return nil },
		"garbage_zeros":  func(a *answer) error { a.send(make([]byte, 64), nil, ""); return nil },
		"header_cut": func(a *answer) error {
			header, body := encode(a.shape, a.values(a.twice...))
			a.send(header[:len(header)/2], body, a.ack())
			return nil
		},
		"garbage_message": func(*answer) error { // not even protobuf: the stream itself is broken
			return status.Error(codes.Internal, "stream terminated by RST_STREAM with error code: PROTOCOL_ERROR")
		},
		"dictionary": func(a *answer) error {
			f := dictionary()
			a.send(f.header, f.body, "")
			return nil
		},
		"compressed": func(a *answer) error {
			header, body := encode(a.shape, a.values(a.twice...), ipc.WithZstd())
			a.send(header, body, a.ack())
			return nil
		},
		"big": func(a *answer) error { a.send([]byte{1}, make([]byte, 41<<20), ""); return nil },
	}
}

// written keeps the messages of a writer.
type written struct{ frames []frame }

func (w *written) Start() error { return nil }
func (w *written) Close() error { return nil }
func (w *written) WritePayload(p ipc.Payload) error {
	var b bytes.Buffer
	err := p.SerializeBody(&b)
	w.frames = append(w.frames, frame{bytes.Clone(p.Meta().Bytes()), b.Bytes()})
	return err
}

// dictionary gives a message of one, which comes second, after the schema.
func dictionary() frame {
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	b := array.NewDictionaryBuilder(memory.DefaultAllocator, typ)
	must(b.AppendValueFromString("one"))
	s := arrow.NewSchema([]arrow.Field{{Name: "y", Type: typ}}, nil)
	var w written
	must(ipc.NewWriterWithPayloadWriter(&w, ipc.WithSchema(s)).Write(array.NewRecordBatch(s, []arrow.Array{b.NewArray()}, 1)))
	return w.frames[1]
}
