package pipelinetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Case is one test file.
type Case struct {
	Path     string            `toml:"-"`
	Pipeline string            `toml:"pipeline"`
	Start    string            `toml:"start"`
	End      string            `toml:"end"`
	Env      map[string]string `toml:"env"`
	Inputs   []Input           `toml:"input"`
	Expect   Expect            `toml:"expect"`
}

// Input gives rows to one reader.
type Input struct {
	Reader  string `toml:"reader"`
	Columns string `toml:"columns"` // "id bigint, v double"; empty: as the reader says
	Rows    string `toml:"rows"`    // JSON lines
	File    string `toml:"file"`    // JSON lines, beside the test file
}

// Expect says where to look and what should be there.
type Expect struct {
	At        string   `toml:"at"`
	Tolerance float64  `toml:"tolerance"`
	Rows      string   `toml:"rows"`
	File      string   `toml:"file"`
	Columns   []string `toml:"columns"`   // only these; empty: all, and no others may be there
	Unordered []string `toml:"unordered"` // columns of lists that are compared as sets with repeats
	Error     string   `toml:"error"`     // code of the error the run must end in
}

// Find lists the test files under the given paths: a file stands for itself,
// a folder for all *_test.toml below it.
func Find(paths []string) ([]string, error) {
	var out []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fault.Wrap(err, TestFile, "%s cannot be read", p)
		}
		if !info.IsDir() {
			out = append(out, p)
			continue
		}
		err = filepath.WalkDir(p, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, "_test.toml") {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, fault.Wrap(err, TestFile, "%s cannot be listed", p)
		}
	}
	sort.Strings(out)
	return out, nil
}

// Load reads a test file.
func Load(path string) (*Case, error) {
	c := &Case{Path: path}
	meta, err := toml.DecodeFile(path, c)
	if err != nil {
		return nil, fault.Wrap(err, TestFile, "the test file cannot be read").At("%s", path)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return nil, fault.New(TestFile, "unknown key %q", extra[0].String()).At("%s", path)
	}
	if c.Pipeline == "" {
		return nil, fault.New(TestFile, "missing key \"pipeline\": the pipeline file under test").At("%s", path)
	}
	if c.Expect.At == "" {
		c.Expect.At = "historical"
	}
	if _, err := c.Interval(); err != nil {
		return nil, fault.Wrap(err, TestFile, "bad interval").At("%s", path)
	}
	// No rows at all may be what is expected.
	if !meta.IsDefined("expect", "rows") && c.Expect.Error == "" && c.Expect.File == "" {
		return nil, fault.New(TestFile, "[expect] needs rows, file or error").At("%s", path)
	}
	return c, nil
}

// Interval of the run.
func (c *Case) Interval() (flow.Interval, error) { return flow.ParseInterval(c.Start, c.End) }

// text gives JSON lines that stand inline or in a file beside the test.
func (c *Case) text(inline, file string) ([]byte, error) {
	if file == "" {
		return []byte(inline), nil
	}
	b, err := os.ReadFile(filepath.Join(filepath.Dir(c.Path), file))
	if err != nil {
		return nil, fault.Wrap(err, TestFile, "rows cannot be read").At("%s", c.Path)
	}
	return b, nil
}

// row is a row as JSON gives it; numbers stay text.
type row map[string]any

// parseRows reads JSON lines.
func parseRows(text []byte) ([]row, error) {
	var out []row
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		r := row{}
		if err := d.Decode(&r); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if d.More() {
			return nil, fmt.Errorf("line %d: more than one object", i+1)
		}
		out = append(out, r)
	}
	return out, nil
}
