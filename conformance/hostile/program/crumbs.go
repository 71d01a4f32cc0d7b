package main

import (
	"encoding/binary"
	"net"
)

// crumbs is a listener whose connections send each byte of their HTTP/2 data in a
// frame of its own (https://www.rfc-editor.org/rfc/rfc9113#name-frame-format).
type crumbs struct{ net.Listener }

// Accept implements net.Listener.
func (l crumbs) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &crumbling{Conn: c}, err
}

type crumbling struct {
	net.Conn
	rest []byte // of a frame that is not written whole
}

const (
	headBytes = 9
	dataFrame = 0
	endStream = 1
)

// Write implements net.Conn.
func (c *crumbling) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	var out []byte
	for len(c.rest) >= headBytes {
		size := int(binary.BigEndian.Uint32(c.rest) >> 8)
		if len(c.rest) < headBytes+size {
			break
		}
		head, body := c.rest[:headBytes], c.rest[headBytes:headBytes+size]
		c.rest = c.rest[headBytes+size:]
		if head[3] != dataFrame || size == 0 {
			out = append(append(out, head...), body...)
			continue
		}
		for i, crumb := range body {
			flags := byte(0)
			if i == size-1 {
				flags = head[4] & endStream
			}
			out = append(append(out, 0, 0, 1, dataFrame, flags), head[5:]...)
			out = append(out, crumb)
		}
	}
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}
