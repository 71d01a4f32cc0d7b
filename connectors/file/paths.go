package file

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/host/fault"
)

// object is one file of a reader.
type object struct {
	path       string          // what people call it; a file of this machine unless entry is set
	entry      *s3store.Entry  // on S3, below the bucket
	opened     *s3store.Object // the version of it that is read, once rows were given
	partitions map[string]cell // values of key=value folders
}

// cell is a nullable text.
type cell struct {
	text string
	ok   bool
}

// hiveNull is how Hive writes a null in a path.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// find lists the files that a path means, by name. Key=value folders count
// from the path's own first part on, so that the place of the pipeline file
// does not matter.
func find(dir, path string) ([]object, error) {
	if path == "" {
		return nil, fault.New(BadConfig, "the reader has no path")
	}
	if strings.Contains(path, "://") {
		return nil, fault.New(BadConfig, "path %q: only files of this machine and of S3 can be read", path)
	}
	full, base := path, ""
	if !filepath.IsAbs(path) {
		full, base = filepath.Join(dir, path), dir
	}
	info, err := os.Stat(full)
	switch {
	case err == nil && info.IsDir():
		return findFolder(full, base)
	case err == nil:
		return objects([]string{full}, base), regular(full, info.Mode())
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(err, CannotRead, "cannot open %s", full)
	case strings.ContainsAny(path, "*?["):
		return findGlob(full, base)
	}
	return nil, fault.New(Missing, "no file %s", full).WithHint("relative paths start from the folder of the pipeline file, %s", dir)
}

// regular refuses pipes and devices: they cannot be read twice, and to open one
// may never end.
func regular(path string, mode fs.FileMode) error {
	if mode&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeDevice) == 0 {
		return nil
	}
	return fault.New(BadConfig, "%s is a pipe, socket or device", path).WithHint("write its data to a file and name that")
}

func hidden(name string) bool { return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") }

// findFolder lists all files under a folder but hidden ones.
func findFolder(root, base string) ([]object, error) {
	var paths []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p != root && hidden(d.Name()) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		paths = append(paths, p)
		return regular(p, d.Type())
	})
	if fault.As(err) != nil {
		return nil, err
	}
	if err != nil {
		return nil, fault.Wrap(err, CannotRead, "cannot list %s", root)
	}
	if len(paths) == 0 {
		return nil, fault.New(Missing, "no files in the folder %s", root).WithHint("names that begin with _ or . do not count")
	}
	return objects(paths, base), nil
}

// findGlob lists the files that a pattern matches; folders among them count
// with all their files.
func findGlob(pattern, base string) ([]object, error) {
	if strings.Contains(pattern, "**") {
		return nil, fault.New(BadConfig, "path %q: ** is no pattern here", pattern).WithHint("name the folder; all files under it are read")
	}
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fault.New(BadConfig, "path %q is no pattern: %v", pattern, err)
	}
	var out []object
	for _, m := range matches {
		if hidden(filepath.Base(m)) {
			continue
		}
		info, err := os.Stat(m)
		if err != nil {
			return nil, fault.Wrap(err, CannotRead, "cannot open %s", m)
		}
		if err := regular(m, info.Mode()); err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, objects([]string{m}, base)...)
			continue
		}
		below, err := findFolder(m, base)
		if err != nil && !fault.Is(err, Missing) {
			return nil, err
		}
		out = append(out, below...)
	}
	if len(out) == 0 {
		return nil, fault.New(Missing, "no files match %s", pattern)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].path < out[j].path })
	return out, nil
}

// objects sorts paths and reads their partition values.
func objects(paths []string, base string) []object {
	sort.Strings(paths)
	out := make([]object, len(paths))
	for i, p := range paths {
		out[i] = object{path: p}
	}
	partition(out, base)
	return out
}

// partition reads the values of key=value folders below base.
func partition(list []object, base string) {
	for i := range list {
		list[i].partitions = map[string]cell{}
		for _, kv := range partitionsOf(list[i].path, base) {
			list[i].partitions[kv[0]] = decode(kv[1])
		}
	}
}

// partitionsOf gives the key=value folders of a path below base.
func partitionsOf(path, base string) [][2]string {
	rel := path
	if base != "" {
		if r, err := filepath.Rel(base, path); err == nil {
			rel = r
		}
	}
	var out [][2]string
	for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(rel)), "/") {
		if k, v, ok := strings.Cut(part, "="); ok && k != "" {
			out = append(out, [2]string{k, v})
		}
	}
	return out
}

func decode(v string) cell {
	if v == hiveNull {
		return cell{}
	}
	if u, err := url.PathUnescape(v); err == nil {
		v = u
	}
	return cell{v, true}
}

// partitionFields are the partition columns of files: whole numbers when
// every value is one, else texts. All files must have the same ones.
func partitionFields(list []object, base string) ([]arrow.Field, error) {
	var fields []arrow.Field
	for _, kv := range partitionsOf(list[0].path, base) {
		fields = append(fields, arrow.Field{Name: kv[0], Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
	for _, o := range list {
		if len(o.partitions) != len(fields) {
			return nil, fault.New(ColumnsDiffer, "the path has other partition columns than %s", list[0].path).At("%s", o.path)
		}
		for i := range fields {
			c, ok := o.partitions[fields[i].Name]
			if !ok {
				return nil, fault.New(ColumnsDiffer, "the path has no partition column %q, as %s has", fields[i].Name, list[0].path).At("%s", o.path)
			}
			if c.ok && !wholeNumber(c.text) {
				fields[i].Type = arrow.BinaryTypes.String
			}
		}
	}
	return fields, nil
}

func wholeNumber(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil && s[0] != '+'
}
