package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/regular"
)

// Transport is how the host talks to a plugin.
type Transport string

// The transports.
const (
	Wasm    Transport = "wasm"    // a module, run in the host
	Process Transport = "process" // a program of its own, in a folder of its own
)

// Entry is one plugin found: a .wasm file, or the folder of a process plugin.
type Entry struct {
	Name      string // of the manifest; of the file, without .wasm, when that cannot be read
	Version   string // of the manifest; empty when that cannot be read
	Path      string // of the file, or of the folder; of what a link to a folder leads to
	Dir       string // the plugin folder it was found in; empty when it was named
	Transport Transport
	Digest    string // sha256 of the file's bytes, or of the folder, "sha256:..."
	Manifest  *abi.Manifest
	Size      int64
	Err       error // why the plugin cannot be used; nil when it can
}

// maxFile is above what a module may have; larger files are not read.
const maxFile = 64 << 20

// Read makes the entry of a file or folder. What is wrong with it is in the
// entry.
func Read(path string) Entry {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return readFolder(filepath.Clean(path))
	}
	e := Entry{Name: strings.TrimSuffix(filepath.Base(path), ".wasm"), Path: path, Transport: Wasm}
	b, size, err := bytesOf(path)
	e.Size = size
	if err != nil {
		e.Err = err
		return e
	}
	e.Digest = digestOf(b)
	section, err := abi.ReadSection(b)
	if err == nil {
		e.Manifest, err = abi.ParseManifest(section)
	}
	if err != nil {
		e.Err = fault.New(fault.Code(abi.CodeOf(err)), "%v", err).At("%s", path)
		return e
	}
	e.Name, e.Version = e.Manifest.Name, e.Manifest.Version
	return e
}

func bytesOf(path string) (b []byte, size int64, err error) {
	f, info, err := regular.Open(path)
	switch {
	case errors.Is(err, regular.ErrOther):
		return nil, 0, fault.New(Unreadable, "%q is no file", path)
	case err != nil:
		return nil, 0, fault.Wrap(err, Unreadable, "the plugin cannot be opened")
	}
	defer f.Close()
	if info.Size() > maxFile {
		return nil, info.Size(), fault.New(abi.CodeTooLarge, "the file has %d bytes, at most %d are allowed", info.Size(), maxFile).At("%s", path)
	}
	b, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, info.Size(), fault.Wrap(err, Unreadable, "the plugin cannot be read").At("%s", path)
	}
	return b, int64(len(b)), nil
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return digestPrefix + hex.EncodeToString(sum[:])
}

// digestPrefix names the algorithm in front of every digest.
const digestPrefix = "sha256:"

// Short gives a digest as messages show it.
func Short(digest string) string { return digest[:min(len(digest), len(digestPrefix)+12)] }

// Bytes reads the file of a module again, for loading, and refuses it when it is
// no longer the file that was found. What it gives is what was digested: nobody
// can change it between the check and its use.
func (e Entry) Bytes() ([]byte, error) {
	b, _, err := bytesOf(e.Path)
	if err != nil {
		return nil, err
	}
	if digest := digestOf(b); digest != e.Digest {
		return nil, fault.New(abi.CodeDigest, "the file was %s when it was found and is %s now", e.Digest, digest).At("%s", e.Path)
	}
	return b, nil
}
