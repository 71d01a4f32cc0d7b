package servertest

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"
)

// nameHead bounds the readable part of a name, so that the whole fits what
// Cassandra allows for a keyspace: 48 bytes.
const nameHead = 28

// Name returns a name that no other test uses, for topics, keyspaces, databases
// and tables: lower-case letters, digits and underscores, letter first, at most
// 40 bytes.
func Name(t testing.TB) string {
	t.Helper()
	head := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '_'
		}
	}, strings.TrimPrefix(t.Name(), "Test"))
	if len(head) > nameHead {
		head = head[:nameHead]
	}
	tail := make([]byte, 5)
	if _, err := rand.Read(tail); err != nil {
		t.Fatal(err)
	}
	return "t" + strings.Trim(head, "_") + "_" + hex.EncodeToString(tail)
}
