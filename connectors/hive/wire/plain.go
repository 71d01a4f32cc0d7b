package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Steps of the talk about users, as Hive's Thrift servers count them.
const (
	saslStart    = 1
	saslOK       = 2
	saslBad      = 3
	saslError    = 4
	saslComplete = 5
)

// longestReason bounds the text with which a server may refuse.
const longestReason = 64 << 10

// plain makes a user known by name and password.
func plain(rw io.ReadWriter, username, password string) error {
	if err := say(rw, saslStart, []byte("PLAIN")); err != nil {
		return err
	}
	if err := say(rw, saslOK, []byte("\x00"+username+"\x00"+password)); err != nil {
		return err
	}
	for range 4 { // PLAIN has one answer; some servers say OK before they are done
		status, text, err := hear(rw)
		if err != nil {
			return err
		}
		switch status {
		case saslComplete:
			return nil
		case saslOK:
		case saslBad, saslError:
			return &DeniedError{Text: text}
		default:
			return fmt.Errorf("the server answers with status %d: it knows no SASL", status)
		}
	}
	return errors.New("the server does not come to an end about the user")
}

func say(w io.Writer, status byte, body []byte) error {
	b := binary.BigEndian.AppendUint32([]byte{status}, uint32(len(body)))
	_, err := w.Write(append(b, body...))
	return err
}

func hear(r io.Reader) (status byte, text string, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", unexpected(err)
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > longestReason {
		return 0, "", fmt.Errorf("the server answers with %d bytes about a user: it knows no SASL", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, "", unexpected(err)
	}
	return head[0], string(body), nil
}

// unexpected names an end of the stream, which io.EOF alone would not.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the server closed the connection while the user was made known: %w", io.ErrUnexpectedEOF)
	}
	return err
}
