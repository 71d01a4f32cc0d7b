package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/featurehost/featurehost/host/fault"
	"pgregory.net/rapid"
)

func aircraft(t testing.TB) string {
	src, err := os.ReadFile("testdata/good/aircraft.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// keyAt finds the keys of the aircraft file by eye-simple patterns, without
// the scanner: a word before " =" or a dot, and the words of headers.
var keyAt = regexp.MustCompile(`(?m)(^|[{,] |\.|\[\[?)([a-z_]+)( = |\.[a-z]+ = |\.[a-z]+\]|\]\]?(\s|$))`)

// freeKeys are keys of config, schema and values, which may be anything.
var freeKeys = regexp.MustCompile(`(?m)^(config|schema|values) = .*$|'[^']*'|"[^"]*"|"""[^"]*"""|#.*$`)

// A key misspelt anywhere is reported at its line and column.
func TestParse_MisspeltKey_ReportedAtItsPlace(t *testing.T) {
	for name, keys := range map[string]int{"aircraft": 60, "plain_kinds": 90, "aggregated": 35, "servers": 60} {
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile("testdata/good/" + name + ".toml")
			if err != nil {
				t.Fatal(err)
			}
			misspellEach(t, string(src), keys)
		})
	}
}

// misspellEach misspells the keys of a file one by one, of which there are at
// least so many.
func misspellEach(t *testing.T, src string, least int) {
	hidden := freeKeys.ReplaceAllStringFunc(src, func(s string) string {
		name, _, _ := strings.Cut(s, " = ")
		if strings.HasPrefix(s, "config") || strings.HasPrefix(s, "schema") || strings.HasPrefix(s, "values") {
			return name + " = " + strings.Repeat("~", len(s)-len(name)-3)
		}
		return strings.Repeat("~", len(s))
	})
	if len(hidden) != len(src) {
		t.Fatal("the test's mask moved the text")
	}
	var places [][2]int
	for from := 0; ; {
		m := keyAt.FindStringSubmatchIndex(hidden[from:])
		if m == nil {
			break
		}
		if name := hidden[from+m[4] : from+m[5]]; name != "true" && name != "false" {
			places = append(places, [2]int{from + m[4], from + m[5]})
		}
		from += m[5]
	}
	if len(places) < least {
		t.Fatalf("found only %d keys", len(places))
	}
	for _, p := range places {
		name := src[p[0]:p[1]]
		wrong := name[:len(name)-1] + "zq"
		changed := src[:p[0]] + wrong + src[p[1]:]
		line := 1 + strings.Count(src[:p[0]], "\n")
		col := p[0] - strings.LastIndexByte(src[:p[0]], '\n')
		_, err := Parse("x.toml", []byte(changed), environment)
		problems, _ := err.(*Problems)
		if name == "reader" && fault.Is(err, SyntaxError) {
			continue // [[reader.prepare]] then makes a plain table of reader: TOML itself objects
		}
		found := false
		for _, one := range problemList(problems) {
			found = found || one.Code == UnknownKey && one.Span.Line == line && one.Span.Col == col && one.Span.Len == len(wrong)
		}
		if !found {
			t.Errorf("%s as %s on line %d, column %d: not reported there:\n%v", name, wrong, line, col, err)
		}
	}
}

func problemList(p *Problems) []Problem {
	if p == nil {
		return nil
	}
	return p.List
}

// tomlDoc draws a TOML document of the shapes the scanner must follow, and the
// place of each value, kept while writing.
type tomlDoc struct {
	text   strings.Builder
	places map[string]int // path to the byte of its value
}

func (d *tomlDoc) value(t *rapid.T, path string, depth int) {
	d.places[path] = d.text.Len()
	kinds := []string{"int", "basic", "literal", "multi", "rawmulti", "date"}
	if depth < 3 {
		kinds = append(kinds, "array", "inline")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "int":
		d.text.WriteString("12_3")
	case "basic":
		d.text.WriteString(rapid.SampledFrom([]string{`"a # b = [c"`, `"\" \\"`, `""`, `"ü]}"`}).Draw(t, "text"))
	case "literal":
		d.text.WriteString(rapid.SampledFrom([]string{`'\'`, `'" # [x]'`, `''`}).Draw(t, "text"))
	case "multi":
		d.text.WriteString(rapid.SampledFrom([]string{"\"\"\"\nk = 1\n[t]\n\"\"\"", `"""a""""`, `"""""a\""""`, `"""a\""" b = ["""`, "\"\"\"x \\\n  y\"\"\""}).Draw(t, "text"))
	case "rawmulti":
		d.text.WriteString(rapid.SampledFrom([]string{"'''\n[[t]]\n# \\'''", `'''a''''`}).Draw(t, "text"))
	case "date":
		d.text.WriteString(rapid.SampledFrom([]string{"1979-05-27 07:32:00", "1979-05-27", "07:32:00.5"}).Draw(t, "text"))
	case "array":
		d.text.WriteString("[")
		for i, n := 0, rapid.IntRange(0, 3).Draw(t, "n"); i < n; i++ {
			d.text.WriteString(rapid.SampledFrom([]string{"", " ", "\n\t", " # c ] }\n"}).Draw(t, "gap"))
			d.value(t, fmt.Sprintf("%s[%d]", path, i), depth+1)
			d.text.WriteString(rapid.SampledFrom([]string{",", " ,\n", "# ,\n,"}).Draw(t, "comma"))
		}
		d.text.WriteString("]")
	case "inline":
		d.text.WriteString("{")
		for i, n := 0, rapid.IntRange(0, 3).Draw(t, "n"); i < n; i++ {
			if i > 0 {
				d.text.WriteString(", ")
			}
			d.assign(t, path, i, depth+1)
		}
		d.text.WriteString("}")
	}
}

// assign writes key = value with one of the spellings of a key.
func (d *tomlDoc) assign(t *rapid.T, table string, n, depth int) {
	spelling := rapid.SampledFrom([][2]string{
		{"k%d", "k%d"}, {`"k%d"`, "k%d"}, {`'k%d'`, "k%d"}, {"a%d.b", "a%d.b"}, {`a%[1]d . "x.y" . c`, `a%d."x.y".c`},
		{`"q[%d]"`, `"q[%d]"`}, {`"\u0065%d"`, "e%d"}, {"-%d-", "-%d-"},
	}).Draw(t, "key")
	path := fmt.Sprintf(spelling[1], n)
	if table != "" {
		path = table + "." + path
	}
	d.text.WriteString(fmt.Sprintf(spelling[0], n) + rapid.SampledFrom([]string{"=", " = ", "\t=  "}).Draw(t, "equals"))
	d.value(t, path, depth)
}

// The scanner knows the place of every value, whatever the spelling, and the
// real parser accepts the document, so that both read the same language.
func TestScan_AnyDocument_EveryPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &tomlDoc{places: map[string]int{}}
		eol := rapid.SampledFrom([]string{"\n", "\r\n", " # it's \"c\n"})
		table, arrays := "", map[string]int{}
		for i, n := 0, rapid.IntRange(0, 12).Draw(t, "lines"); i < n; i++ {
			switch rapid.IntRange(0, 5).Draw(t, "line") {
			case 0:
				table = fmt.Sprintf("t%d.u", i)
				d.places[table] = d.text.Len()
				d.text.WriteString(fmt.Sprintf(rapid.SampledFrom([]string{"[t%d.u]", "[ t%d . \"u\" ]"}).Draw(t, "header"), i))
			case 1:
				table = fmt.Sprintf("arr[%d]", arrays["arr"])
				arrays["arr"]++
				d.places[table] = d.text.Len()
				d.text.WriteString(rapid.SampledFrom([]string{"[[arr]]", `[["arr"]]`, "[[ arr ]]"}).Draw(t, "header"))
			case 2:
				if arrays["arr"] == 0 {
					break
				}
				parent := fmt.Sprintf("arr[%d].sub", arrays["arr"]-1)
				table = fmt.Sprintf("%s[%d]", parent, arrays[parent])
				arrays[parent]++
				d.places[table] = d.text.Len()
				d.text.WriteString("[[arr.sub]]")
			default:
				d.assign(t, table, i, 0)
			}
			d.text.WriteString(eol.Draw(t, "eol"))
		}
		src := []byte(d.text.String())
		idx, tooDeep := scan("x.toml", src)
		if _, problem := parseTOML(idx, tooDeep); problem != nil {
			t.Fatalf("the parser refuses what the test wrote: %v\n%s", problem, src)
		}
		for path, at := range d.places {
			p, ok := idx.places[path]
			if !ok {
				t.Fatalf("%s is not in the index\n%s", path, src)
			}
			if p.val.start != at {
				t.Fatalf("%s at byte %d, want %d\n%s", path, p.val.start, at, src)
			}
		}
	})
}

// checkInside fails when a problem lies outside the file.
func checkInside(t *testing.T, src []byte, p Problem) {
	t.Helper()
	lines := strings.Split(string(src), "\n")
	if p.Span.Line < 1 || p.Span.Line > len(lines) {
		t.Fatalf("line %d of %d: %v", p.Span.Line, len(lines), p)
	}
	if n := utf8.RuneCountInString(lines[p.Span.Line-1]); p.Span.Col < 1 || p.Span.Col > n+1 || p.Span.Col+p.Span.Len > n+1 {
		t.Fatalf("columns %d+%d of %d: %v", p.Span.Col, p.Span.Len, n, p)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.toml", "testdata/bad/*.toml"} {
		for _, path := range glob(f, pattern) {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Add([]byte("a = \"\\"))
	f.Add([]byte("a = '''"))
	f.Add([]byte("[[a"))
	f.Add([]byte("a.b.c."))
	f.Add([]byte("\xef\xbb\xbf\xef\xbb\xbf"))
	f.Add([]byte("password = \"\xff\x00\x1b[31m"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := Parse("x.toml", src, environment)
		if err == nil {
			if s := file.Span("feature_set.keys[0].name"); s.Line < 1 {
				t.Fatalf("span %v", s)
			}
			return
		}
		problems := err.(*Problems)
		if len(problems.List) == 0 {
			t.Fatal("an error without a problem")
		}
		for _, p := range problems.List {
			checkInside(t, src, p)
			if strings.ContainsAny(p.excerpt.text, "\x1b\x00\r\n") {
				t.Fatalf("a control character reaches the terminal: %q", p.excerpt.text)
			}
		}
		if _, err2 := Parse("x.toml", src, environment); err2.Error() != err.Error() {
			t.Fatalf("two readings differ:\n%v\n%v", err, err2)
		}
	})
}
