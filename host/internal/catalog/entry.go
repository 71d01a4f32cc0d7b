package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// Entry is one file found among the plugins.
type Entry struct {
	Name     string // of the manifest; of the file, without .wasm, when that cannot be read
	Version  string // of the manifest; empty when that cannot be read
	Path     string
	Digest   string // sha256 of the file's bytes, "sha256:..."
	Manifest *abi.Manifest
	Size     int64
	Err      error // why the plugin cannot be used; nil when it can
}

// maxFile is above what a module may have; larger files are not read.
const maxFile = 64 << 20

// Read makes the entry of a file. What is wrong with it is in the entry.
func Read(path string) Entry {
	e := Entry{Name: strings.TrimSuffix(base(path), ".wasm"), Path: path}
	b, size, err := bytesOf(path)
	e.Size = size
	if err != nil {
		e.Err = err
		return e
	}
	sum := sha256.Sum256(b)
	e.Digest = "sha256:" + hex.EncodeToString(sum[:])
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
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fault.Wrap(err, Unreadable, "the plugin cannot be opened")
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, 0, fault.Wrap(err, Unreadable, "the plugin cannot be read")
	case !info.Mode().IsRegular():
		return nil, 0, fault.New(Unreadable, "%q is no file", path)
	case info.Size() > maxFile:
		return nil, info.Size(), fault.New(abi.CodeTooLarge, "the file has %d bytes, at most %d are allowed", info.Size(), maxFile).At("%s", path)
	}
	b, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, info.Size(), fault.Wrap(err, Unreadable, "the plugin cannot be read").At("%s", path)
	}
	return b, int64(len(b)), nil
}

// base is the last part of a path.
func base(path string) string { return path[strings.LastIndexByte(path, os.PathSeparator)+1:] }

// Bytes reads the file again, for loading, and refuses it when it is no longer
// the file that was found.
func (e Entry) Bytes() ([]byte, error) {
	b, _, err := bytesOf(e.Path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	if digest := "sha256:" + hex.EncodeToString(sum[:]); digest != e.Digest {
		return nil, fault.New(abi.CodeDigest, "the file was %s when it was found and is %s now", e.Digest, digest).At("%s", e.Path)
	}
	return b, nil
}
