package pipelinetest

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/featurehost/featurehost/host/fault"
)

// rewrite puts the rows that came out where the expected ones stand: in their
// own file, or between the quotes of `rows = ”'` in [expect].
func (c *Case) rewrite(got table) error {
	columns := c.Expect.Columns
	if len(columns) == 0 {
		columns = got.columns()
	}
	var b bytes.Buffer
	for _, r := range got.rows {
		b.WriteString(line(r, columns) + "\n")
	}
	if c.Expect.File != "" {
		path := filepath.Join(filepath.Dir(c.Path), c.Expect.File)
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			return fault.Wrap(err, TestFile, "expected rows cannot be written")
		}
		return nil
	}
	src, err := os.ReadFile(c.Path)
	if err != nil {
		return fault.Wrap(err, TestFile, "the test file cannot be read")
	}
	const open, end = "rows = '''\n", "'''"
	section := bytes.Index(src, []byte("[expect]"))
	from := -1
	if section >= 0 {
		from = bytes.Index(src[section:], []byte(open))
	}
	if from < 0 {
		return fault.New(TestFile, "only rows = ''' ... ''' below [expect], or a file, can be updated").At("%s", c.Path)
	}
	from += section + len(open)
	to := bytes.Index(src[from:], []byte(end))
	if to < 0 {
		return fault.New(TestFile, "the expected rows have no end").At("%s", c.Path)
	}
	out := append(append(append([]byte(nil), src[:from]...), b.Bytes()...), src[from+to:]...)
	if err := os.WriteFile(c.Path, out, 0o644); err != nil {
		return fault.Wrap(err, TestFile, "the test file cannot be written")
	}
	return nil
}
