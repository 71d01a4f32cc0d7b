package fault_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/fault"
)

func TestClass_EveryCode_AsThePackageCommentSays(t *testing.T) {
	want := map[int]fault.Class{1: fault.Usage, 2: fault.Usage, 10: fault.Usage, 20: fault.Usage}
	for h := 80; h < 100; h++ {
		want[h] = fault.System
	}
	for n := 1; n <= 9999; n++ {
		w, ok := want[n/100]
		if !ok {
			w = fault.Data
		}
		if n/100 == 76 {
			continue // below
		}
		if h := n / 100; h == 70 || h == 71 || h == 75 {
			w = fault.Usage
			if n%100 >= 30 {
				w = fault.Data
			}
			if n%100 >= 70 {
				w = fault.System
			}
		}
		if got := fault.Code(n).Class(); got != w {
			t.Fatalf("%s is of class %d, want %d", fault.Code(n), got, w)
		}
	}
	for code, w := range map[fault.Code]fault.Class{
		7600: fault.Usage, 7601: fault.Usage, 7602: fault.System, 7609: fault.System, 7610: fault.Usage, 7615: fault.Data,
		7620: fault.Usage, 7630: fault.Data, 7640: fault.System, 7650: fault.Usage, 7659: fault.Data, 7662: fault.System,
		7670: fault.System, 7673: fault.Usage, 7674: fault.System, 7677: fault.Usage, 7681: fault.System, 7682: fault.Data, 7683: fault.Usage,
		7685: fault.Usage, 7690: fault.Data, 7692: fault.Usage, 7693: fault.Data, 7699: fault.Data,
	} {
		if got := code.Class(); got != w {
			t.Errorf("%s is of class %d, want %d", code, got, w)
		}
	}
	// The exit status is part of the contract with scripts.
	if fault.Data != 1 || fault.Usage != 2 || fault.System != 3 {
		t.Error("the classes are not the exit statuses")
	}
	if fault.ClassOf(io.EOF) != fault.Data || fault.ClassOf(fmt.Errorf("a: %w", fault.New(8001, "b"))) != fault.System {
		t.Error("class of an error")
	}
}

func TestParseCode_AnyCode_RoundTrips(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := fault.Code(rapid.IntRange(1, 9999).Draw(rt, "code"))
		for _, text := range []string{c.String(), strings.ToLower(c.String()), fmt.Sprint(int(c)), fmt.Sprintf(" fH-%d\n", c)} {
			if got, err := fault.ParseCode(text); got != c || err != nil {
				rt.Fatalf("%q is %v, %v", text, got, err)
			}
		}
		if len(c.String()) != len("FH-0000") {
			rt.Fatal(c.String())
		}
	})
}

func TestParseCode_NoCode_Refused(t *testing.T) {
	for _, text := range []string{"", "FH-", "FH", "0", "FH-0000", "-3", "FH--3", "10000", "FH-12a", "FH-FH-12", "1.5", "99999999999999999999"} {
		if c, err := fault.ParseCode(text); err == nil || c != 0 || !strings.Contains(err.Error(), "FH-0103") {
			t.Errorf("%q is %v, %v", text, c, err)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add("FH-0103")
	f.Add("fh-")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := fault.ParseCode(s)
		if (err == nil) != (c > 0 && c <= 9999) {
			t.Errorf("%q is %d, %v", s, c, err)
		}
	})
}

func TestError_Parts_EmptyOnesLeftOut(t *testing.T) {
	for _, c := range []struct {
		err  *fault.Error
		want string
	}{
		{fault.New(103, "unknown key %q", "x"), `FH-0103: unknown key "x"`},
		{fault.New(103, "no").At("p.toml:%d", 3), "p.toml:3: FH-0103: no"},
		{fault.New(103, "no").WithHint("say %s", "yes"), "FH-0103: no; say yes"},
		{fault.Wrap(io.EOF, 7031, "short").At("f").WithHint("h"), "f: FH-7031: short; h: EOF"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// tree draws an error that holds faults of codes 1 to 6 below joins, wraps and
// other faults, and gives those codes before it, the first in order first.
func tree(rt *rapid.T, depth int) ([]fault.Code, error) {
	kind := rapid.IntRange(0, 4).Draw(rt, "kind")
	if depth == 0 {
		kind %= 2
	}
	code := fault.Code(rapid.IntRange(1, 6).Draw(rt, "code"))
	switch kind {
	case 0:
		return nil, errors.New("plain")
	case 1:
		return []fault.Code{code}, fault.New(code, "leaf")
	case 2:
		codes, err := tree(rt, depth-1)
		return codes, fmt.Errorf("wrapped: %w", err)
	case 3:
		codes, err := tree(rt, depth-1)
		return append([]fault.Code{code}, codes...), fault.Wrap(err, code, "above")
	}
	var all []fault.Code
	var errs []error
	for range rapid.IntRange(1, 3).Draw(rt, "branches") {
		codes, err := tree(rt, depth-1)
		errs, all = append(errs, err), append(all, codes...)
	}
	return all, errors.Join(errs...)
}

// As gives the first fault of any tree of errors; Is finds each one of it.
func TestIsAs_AnyTree_EveryCodeFound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		codes, err := tree(rt, 4)
		if e := fault.As(err); (e == nil) != (len(codes) == 0) || e != nil && e.Code != codes[0] {
			rt.Fatalf("As gives %v of %v", e, codes)
		}
		for c := fault.Code(1); c <= 6; c++ {
			if got, want := fault.Is(err, c), slices.Contains(codes, c); got != want {
				rt.Fatalf("Is(%q, %s) = %v: it holds %v", err, c, got, codes)
			}
		}
	})
	var none *fault.Error
	if fault.As(nil) != nil || fault.Is(nil, 1) || fault.Is(none, 1) {
		t.Error("nil holds a fault")
	}
	if !errors.Is(fault.Wrap(io.EOF, 1, "x"), io.EOF) {
		t.Error("the cause is lost")
	}
}
