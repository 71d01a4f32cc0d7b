package hive_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
)

// guarded stands before a metastore and lets in who says user and password, as
// a metastore does that is set up so. It gives its address and what it was sent.
func guarded(t *testing.T, metastore, user, password string) (address string, sent func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var heard bytes.Buffer
	t.Cleanup(func() { l.Close(); wait.Wait() })
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer c.Close()
				frame := func(head int) ([]byte, byte, bool) {
					h := make([]byte, head+4)
					if _, err := io.ReadFull(c, h); err != nil {
						return nil, 0, false
					}
					n := binary.BigEndian.Uint32(h[head:])
					if n > 1<<20 {
						return nil, h[0], true
					}
					b := make([]byte, n)
					_, err := io.ReadFull(c, b)
					mu.Lock()
					heard.Write(b)
					mu.Unlock()
					return b, h[0], err == nil
				}
				say := func(status byte, text string) {
					c.Write(append(binary.BigEndian.AppendUint32([]byte{status}, uint32(len(text))), text...))
				}
				_, status, ok := frame(1)
				if !ok || status != 1 {
					say(3, "Invalid status -128")
					return
				}
				b, _, ok := frame(1)
				if !ok || string(b) != "\x00"+user+"\x00"+password {
					say(3, "Error validating the login")
					return
				}
				say(5, "")
				up, err := net.Dial("tcp", metastore)
				if err != nil {
					return
				}
				defer up.Close()
				wait.Go(func() {
					buf := make([]byte, 4096)
					for {
						n, err := up.Read(buf)
						if n > 0 {
							c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(n)), buf[:n]...))
						}
						if err != nil {
							return
						}
					}
				})
				for {
					b, _, ok := frame(0)
					if !ok {
						return
					}
					up.Write(b)
				}
			})
		}
	})
	return l.Addr().String(), func() string { mu.Lock(); defer mu.Unlock(); return heard.String() }
}

// A metastore is spoken to plainly; only one that asks for a password gets it.
func TestMetastore_AsksForUsers_ToldWhenNeeded(t *testing.T) {
	plain := servertest.Metastore(t)
	address, sent := guarded(t, plain, "alice", "wonderland")
	ask := func(h config.Hive) error {
		m, err := hive.NewMetastore(h, hive.DefaultLimits())
		if err != nil {
			return err
		}
		defer m.Close()
		_, err = m.Databases(t.Context())
		return err
	}
	secret := config.NewSecret("wonderland")
	for name, c := range map[string]struct {
		h    config.Hive
		code fault.Code
	}{
		"plain, no user":      {config.Hive{Metastore: plain}, 0},
		"plain, a user":       {config.Hive{Metastore: plain, Auth: "LDAP", Username: "alice", Password: secret}, 0},
		"plain, NONE":         {config.Hive{Metastore: plain, Auth: "NONE"}, 0},
		"guarded, right":      {config.Hive{Metastore: address, Auth: "LDAP", Username: "alice", Password: secret}, 0},
		"guarded, wrong":      {config.Hive{Metastore: address, Auth: "LDAP", Username: "alice", Password: config.NewSecret("xyzzy")}, hive.AuthRefused},
		"guarded, NOSASL":     {config.Hive{Metastore: address, Auth: "NOSASL"}, hive.Unreachable},
		"kerberos, not built": {config.Hive{Metastore: plain, Auth: "KERBEROS"}, hive.AuthRefused},
		"unknown":             {config.Hive{Metastore: plain, Auth: "CUSTOM"}, hive.AuthRefused},
	} {
		err := ask(c.h)
		if c.code == 0 && err != nil || c.code != 0 && !fault.Is(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "wonderland") || strings.Contains(err.Error(), "xyzzy")) {
			t.Errorf("%s: the password is shown: %v", name, err)
		}
	}
	if !strings.Contains(sent(), "wonderland") {
		t.Error("the guard was not asked")
	}
}
