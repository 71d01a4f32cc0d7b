package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
)

// A file of testdata/cli is a story of commands. Lines that begin
//
//	#          are for people
//	@ base     write p.toml and events.csv as most tests have them
//	@ copy A B copy a file of the repository
//	@ remove F remove a file, or a folder with what is in it
//	@ program F  let a file be executed
//	@ env N=V  set a variable for the commands that follow
//	@ edit F   replace, in file F, the next line's text (< old) by another (> new)
//	-- F --    write file F, with the lines up to the next line of this list
//	$          run a command; what it left follows: its status, if not 0, its
//	           stdout after "| ", its stderr after "! "
//
// -update rewrites what the commands left.
func TestCommandLine_Files(t *testing.T) {
	paths, err := filepath.Glob("testdata/cli/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			want := read(t, path)
			got := story(newWorld(t), want)
			if got == want {
				return
			}
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s tells otherwise (see with -update and git diff); the first lines that differ:\n%s", path, firstDifference(want, got))
		})
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, strings.Join(a[i:min(i+5, len(a))], "\n     "), strings.Join(b[i:min(i+5, len(b))], "\n     "))
}

// story does what a file says and tells it as it happened.
func story(w *world, text string) string {
	w.Helper()
	var out strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSuffix(lines[i], "\n")
		rest := func(begins ...string) (got []string) {
			for i+1 < len(lines) && hasPrefix(lines[i+1], begins...) {
				i++
				got = append(got, strings.TrimSuffix(lines[i], "\n"))
			}
			return got
		}
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "$ featurehost"):
			rest("| ", "|\n", "! ", "!\n", "exit ")
			out.WriteString(line + "\n" + told(w, w.command(arguments(words[2:])...)))
			continue
		case strings.HasPrefix(line, "-- "):
			name := strings.TrimSuffix(strings.TrimPrefix(line, "-- "), " --")
			out.WriteString(lines[i])
			var body strings.Builder
			for i+1 < len(lines) && !hasPrefix(lines[i+1], "-- ", "$ ", "@ ") {
				i++
				body.WriteString(lines[i])
				out.WriteString(lines[i])
			}
			w.write(name, body.String())
			continue
		case strings.HasPrefix(line, "@ base"):
			w.pipeline()
			w.events(3, 3)
		case strings.HasPrefix(line, "@ env"):
			w.env = append(w.env, words[2])
		case strings.HasPrefix(line, "@ copy"):
			w.write(words[3], read(w, filepath.Join("../..", words[2])))
		case strings.HasPrefix(line, "@ remove"):
			if err := os.RemoveAll(w.path(words[2])); err != nil {
				w.Fatal(err)
			}
		case strings.HasPrefix(line, "@ program"):
			if err := os.Chmod(w.path(words[2]), 0o755); err != nil {
				w.Fatal(err)
			}
		case strings.HasPrefix(line, "@ edit"):
			out.WriteString(lines[i])
			was, is := rest("< "), rest("> ")
			before := w.read(words[2])
			after := strings.ReplaceAll(before, unquoted(was, "< "), unquoted(is, "> "))
			if after == before {
				w.Fatalf("%s has no %q", words[2], unquoted(was, "< "))
			}
			w.write(words[2], after)
			for _, l := range append(was, is...) {
				out.WriteString(l + "\n")
			}
			continue
		case line != "" && !strings.HasPrefix(line, "#"):
			w.Fatalf("line %d is not understood: %s", i+1, line)
		}
		out.WriteString(lines[i])
	}
	return out.String()
}

func hasPrefix(s string, list ...string) bool {
	for _, p := range list {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func unquoted(lines []string, sign string) string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimPrefix(l, sign)
	}
	return strings.Join(out, "\n")
}

// arguments takes two quotes for an argument without a character.
func arguments(words []string) []string {
	for i, a := range words {
		if a == "''" {
			words[i] = ""
		}
	}
	return words
}

// told is what a command left, with what changes from run to run taken out.
func told(w *world, o outcome) string {
	var out strings.Builder
	if o.status != 0 {
		fmt.Fprintf(&out, "exit %d\n", o.status)
	}
	for _, x := range []struct{ sign, text string }{{"|", o.stdout}, {"!", o.stderr}} {
		for _, l := range strings.Split(strings.TrimSuffix(normal(w, x.text), "\n"), "\n") {
			if x.text != "" {
				out.WriteString(strings.TrimSuffix(x.sign+" "+l, " ") + "\n")
			}
		}
	}
	return out.String()
}

// normal takes folders, times, numbers of processes and versions out.
func normal(w *world, s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, w.dir, "DIR"), w.tmp, "TMP")
	s = strings.ReplaceAll(s, sharedCache(), "CACHE")
	for _, r := range []struct{ pattern, by string }{
		{`(\d{6})-[0-9a-f]{8}`, "$1-ID"},
		{`(?m)\d+ (s|min) ago$`, "AGE ago"},
		{`"written": "[^"]*"`, `"written": "TIME"`},
		{`go1\.[0-9.]+ \w+/\w+`, "GO PLATFORM"},
		{`"go1\.[0-9.]+"`, `"GO"`},
		{`"\w+/(amd64|arm64)"`, `"PLATFORM"`},
		{` v\d+\.\d[^ \n]*`, " VERSION"},
		{`": "v\d+\.[^"]*"`, `": "VERSION"`},
		{`in [0-9.]+(ms|s|µs)`, "in TIME"},
		{`"(seconds|elapsed)": [0-9.e+-]+`, `"$1": 0`},
		{`(?m)^(    .*?) +seconds +rows/s$`, "$1"},
		{`(?m)^(    \S.*?) +\d+\.\d{3}( +[\d,]+)?$`, "$1"},
		{`(?m)^(    \S.*?) +\d+\.\d{3}( +[\d,]+)? +[\d,]+ fuel/row`, "$1  N fuel/row"},
		{`(linux|darwin)/(amd64|arm64)`, "PLATFORM"},
		{`[0-9.]+ [GM]iB in all`, "MEMORY in all"},
		{`\d+ workers`, "N workers"},
		{`sha256:[0-9a-f]{64}`, "sha256:DIGEST"},
		{`sha256:[0-9a-f]{12}\b`, "sha256:SHORT"},
		{`"(size|batches)": \d+`, `"$1": N`},
		{`\d+\.\d KiB`, "N KiB"},
	} {
		s = regexp.MustCompile(r.pattern).ReplaceAllString(s, r.by)
	}
	return s
}

// TestCommandLine_EveryCodeOccurs: each code of config, catalog and plan that a
// pipeline file or a flag can raise is shown in a file of testdata/cli.
func TestCommandLine_EveryCodeOccurs(t *testing.T) {
	paths, err := filepath.Glob("testdata/cli/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, p := range paths {
		for _, l := range strings.Split(read(t, p), "\n") {
			if strings.HasPrefix(l, "! ") || strings.HasPrefix(l, "|") {
				all.WriteString(l + "\n")
			}
		}
	}
	elsewhere := map[fault.Code]string{
		221: "config refuses the type of a sink before the plan sees it",
		220: "config refuses the type of a reader before the plan sees it",
		231: "the flags are refused first; see host",
		232: "this build has the reader",
	}
	for _, d := range allCodes() {
		if d.Code >= 300 {
			continue
		}
		found := strings.Contains(all.String(), d.Code.String()+": ")
		if _, ok := elsewhere[d.Code]; ok == found {
			t.Errorf("%v (%s): in a file: %v, excused: %v", d.Code, d.Title, found, ok)
		}
	}
}

// A code stands for one thing: explain shows the first that has it.
func TestCodes_EachExplainedOnce(t *testing.T) {
	seen := map[fault.Code]string{}
	for _, d := range allCodes() {
		if other, ok := seen[d.Code]; ok {
			t.Errorf("%v is %q and %q", d.Code, other, d.Title)
		}
		seen[d.Code] = d.Title
	}
}
