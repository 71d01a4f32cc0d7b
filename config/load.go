package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile is the greatest size of a pipeline file.
const maxFile = 4 << 20

// Load reads and checks the pipeline file at path. getenv looks up variables
// of the environment, as os.LookupEnv does; nil knows none. The error is a
// *Problems with everything that is wrong, in file order.
func Load(path string, getenv func(string) (string, bool)) (*File, error) {
	src, err := readFile(path)
	if err != nil {
		hint := "check the path and its permissions"
		reason := err.Error()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			reason, hint = "there is no such file", "check the path"
		case errors.Is(err, fs.ErrPermission):
			reason = "permission denied"
		}
		return nil, &Problems{List: []Problem{{
			Span: Span{File: path}, Code: UnreadableFile, Message: "the pipeline file cannot be read: " + reason, Hint: hint,
		}}}
	}
	return Parse(path, src, getenv)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, errors.New("it is a folder")
	}
	src, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(src) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return src, err
}

// Parse checks the text of a pipeline file, as Load does. path enters messages
// and File.Dir; nothing is opened.
func Parse(path string, src []byte, getenv func(string) (string, bool)) (*File, error) {
	if getenv == nil {
		getenv = func(string) (string, bool) { return "", false }
	}
	idx, tooDeep := scan(path, src)
	tree, syntax := parseTOML(idx, tooDeep)
	if syntax != nil {
		return nil, &Problems{List: []Problem{*syntax}}
	}
	d := &decoder{index: idx, getenv: getenv, problems: &Problems{}}
	sum := sha256.Sum256(src)
	f := &File{
		Path:   path,
		Dir:    filepath.Dir(path),
		Digest: "sha256:" + hex.EncodeToString(sum[:]),
		index:  idx,
	}
	d.file(f, d.table("", tree, Keys()))
	if err := d.problems.Err(); err != nil {
		return nil, err
	}
	f.Settings = d.settings
	idx.hush(d.secretValues)
	idx.sortEnv()
	return f, nil
}

// parseTOML gives the file as maps, or the one problem of its syntax.
func parseTOML(idx *index, tooDeep int) (tree map[string]any, problem *Problem) {
	refuse := func(e extent, hint, message string) (map[string]any, *Problem) {
		p := idx.problemAt(idx.spanOf(e), SyntaxError, hint, "%s", message)
		return nil, &p
	}
	if tooDeep >= 0 {
		return refuse(extent{tooDeep, tooDeep + 1}, "", fmt.Sprintf("values and dotted keys may nest at most %d deep", maxDepth))
	}
	defer func() {
		// The parser panics on what it takes for its own bugs; whatever led
		// there is in the file.
		if r := recover(); r != nil {
			tree, problem = refuse(extent{}, "", "the file is not valid TOML, and the parser cannot say where")
		}
	}()
	_, err := toml.Decode(string(idx.src), &tree)
	if err == nil {
		return tree, nil
	}
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return refuse(extent{}, "", "the file is not valid TOML: "+err.Error())
	}
	start := pe.Position.Start
	if bytes.HasPrefix(idx.src, []byte("\xef\xbb\xbf")) {
		start += 3
	}
	e := extent{start, start + pe.Position.Len}
	idx.hideBroken(e.start)
	message, hint := lowerFirst(strings.TrimSuffix(pe.Message, ".")), ""
	if secretish(pe.LastKey) || idx.hidden(e.start) {
		message = "the value of a secret is not valid TOML" // the parser quotes it
	}
	if strings.Contains(message, "has already been defined") {
		hint = "remove or rename one of the two"
	}
	return refuse(e, hint, message)
}

// lowerFirst makes a message of the parser read like ours.
func lowerFirst(s string) string {
	if s == "" || strings.HasPrefix(s, "TOML") {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// hideBroken masks what may be a secret on the line of a syntax error, where
// the index may not know its keys.
func (x *index) hideBroken(at int) {
	s := x.spanOf(extent{at, at})
	from, to := x.line(s.Line - 1)
	if m := secretKey.FindIndex(x.src[from:to]); m != nil && from+m[1] < to {
		x.secrets = append(x.secrets, extent{from + m[1], to})
	}
	// Lines of a multi-line secret that never ends are hidden by the scanner.
}
