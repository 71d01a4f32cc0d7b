package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/regular"
	"github.com/featurehost/featurehost/host/internal/wasm/fuel"
)

// LockFile is the name of the file that pins plugins.
const LockFile = "plugins.lock"

// lockVersion is the format of the lock. A reader knows one: what a field that
// it does not know would forbid it could not tell.
const lockVersion = 1

// lockHead begins every lock.
const lockHead = `# The plugins that may be used here, each with the digest of its bytes.
# Written by "featurehost plugin lock"; give that command again when a plugin was
# added or replaced on purpose. "featurehost plugin lock --check" shows what differs.
`

// Lock says which plugins may be used: one name and version stands for one
// digest.
type Lock struct {
	Path    string
	Plugins []Locked // by name and version
	// Renew is the command that writes it anew, for messages.
	Renew string
}

// Locked is one plugin of a lock (ABI-M-004).
type Locked struct {
	Name      string   `toml:"name"`
	Version   string   `toml:"version"`
	Kind      string   `toml:"kind"`
	Transport string   `toml:"transport"`
	Digest    string   `toml:"digest"`
	ABI       string   `toml:"abi"`
	Grants    []string `toml:"grants"`                  // what it may do beside computing
	Fuel      int      `toml:"fuel_schedule,omitempty"` // that counts its work; none for processes
}

// locked is what a lock says of a plugin that can be used.
func locked(e Entry) Locked {
	l := Locked{
		Name: e.Name, Version: e.Version, Kind: string(e.Manifest.Kind), Transport: string(e.Transport),
		Digest: e.Digest, ABI: e.Manifest.ABI.String(), Grants: []string{},
	}
	switch {
	case e.Transport == Process:
		l.Grants = []string{"process"}
	case e.Manifest.WASI:
		l.Grants = []string{"wasi:preview1"}
	}
	if e.Transport == Wasm {
		l.Fuel = fuel.Schedule
	}
	return l
}

// LockOf locks the plugins that can be used; of the others nothing can be said.
func LockOf(entries []Entry) *Lock {
	l := &Lock{Plugins: []Locked{}}
	for _, e := range entries {
		if e.Err == nil {
			l.Plugins = append(l.Plugins, locked(e))
		}
	}
	slices.SortFunc(l.Plugins, func(a, b Locked) int {
		if n := strings.Compare(a.Name, b.Name); n != 0 {
			return n
		}
		return compareVersions(a.Version, b.Version)
	})
	return l
}

// lockText is the file as TOML sees it.
type lockText struct {
	Version int      `toml:"version"`
	Plugins []Locked `toml:"plugin"`
}

// Encode gives the bytes of the file: the same for the same plugins.
func (l *Lock) Encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(lockHead)
	e := toml.NewEncoder(&b)
	e.Indent = ""
	if err := e.Encode(lockText{lockVersion, l.Plugins}); err != nil {
		return nil, fault.Wrap(err, BadLock, "the lock cannot be written")
	}
	return b.Bytes(), nil
}

// ReadLock reads a lock; nil when there is no such file.
func ReadLock(path string) (*Lock, error) {
	b, err := lockBytes(path)
	if err != nil || b == nil {
		return nil, err
	}
	plugins, line, err := parseLock(string(b))
	if err != nil {
		return nil, fault.New(BadLock, "%v", err).At("%s:%d", path, line).WithHint("restore it from version control; or, when every plugin was looked at, `featurehost plugin lock` writes it anew")
	}
	return &Lock{Path: path, Plugins: plugins, Renew: "featurehost plugin lock"}, nil
}

// lockBytes reads the file of a lock; nil when nothing has that name. A link that
// leads nowhere is not nothing: somebody wanted a lock.
func lockBytes(path string) ([]byte, error) {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	f, _, err := regular.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fault.New(BadLock, "the lock is a link that leads nowhere").At("%s", path).WithHint("mend the link; or remove it, when no lock is wanted")
	case errors.Is(err, regular.ErrOther):
		return nil, fault.New(BadLock, "the lock is no file").At("%s", path)
	case err != nil:
		return nil, fault.Wrap(err, BadLock, "the lock cannot be read")
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, fault.Wrap(err, BadLock, "the lock cannot be read").At("%s", path)
	}
	return b, nil
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// parseLock reads the text of a lock; line is where it is wrong.
func parseLock(text string) (plugins []Locked, line int, err error) {
	// The version comes first: another one may differ in all else.
	var version struct {
		Version *int `toml:"version"`
	}
	if _, err := toml.Decode(text, &version); err != nil {
		line, err = misread(err)
		return nil, line, err
	}
	switch v := version.Version; {
	case v == nil:
		return nil, 1, fmt.Errorf("it has no version: a lock begins with version = %d", lockVersion)
	case *v != lockVersion:
		return nil, keyLine(text, 1, "version"), fmt.Errorf("it is of version %d, and this build reads version %d", *v, lockVersion)
	}
	var file lockText
	meta, err := toml.Decode(text, &file)
	if err != nil {
		line, err = misread(err)
		return nil, line, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0]
		return nil, keyLine(text, 1, key[len(key)-1]), fmt.Errorf("unknown key %q", key)
	}
	first := map[string]int{} // line of a name and version
	for i, p := range file.Plugins {
		at := tableLine(text, i)
		id := p.Name + "@" + p.Version
		switch before, twice := first[id]; {
		case p.Name == "" || p.Version == "":
			return nil, at, errors.New("a [[plugin]] needs name and version")
		case !digestForm.MatchString(p.Digest):
			return nil, keyLine(text, at, "digest"), fmt.Errorf("the digest of %s is %q, expected sha256: and 64 hexadecimal digits", id, p.Digest)
		case twice:
			return nil, at, fmt.Errorf("%s is locked twice, here and on line %d", id, before)
		}
		first[id] = at
	}
	return file.Plugins, 0, nil
}

var tomlPlace = regexp.MustCompile(`^toml: line (\d+)( \(last key [^)]*\))?: `)

// misread gives the line of a TOML error, 1 when it has none, and its text
// without it.
func misread(err error) (line int, text error) {
	m := tomlPlace.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, errors.New(strings.TrimPrefix(err.Error(), "toml: "))
	}
	line, _ = strconv.Atoi(m[1]) // digits
	return max(1, line), errors.New(strings.TrimPrefix(err.Error(), m[0]))
}

var tableHead = regexp.MustCompile(`(?m)^[ \t]*\[\[[ \t]*plugin[ \t]*\]\]`)

// tableLine is the line of the i-th [[plugin]], from 0; 1 in a file that writes
// them in another way.
func tableLine(text string, i int) int {
	heads := tableHead.FindAllStringIndex(text, i+1)
	if len(heads) <= i {
		return 1
	}
	return 1 + strings.Count(text[:heads[i][0]], "\n")
}

// keyLine is the first line, from one on, that sets a key; else that one.
func keyLine(text string, from int, key string) int {
	for i, l := range strings.Split(text, "\n") {
		name, _, ok := strings.Cut(l, "=")
		if ok && i+1 >= from && strings.TrimSpace(name) == key {
			return i + 1
		}
	}
	return from
}
