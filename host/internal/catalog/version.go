package catalog

import (
	"strings"
)

// fits reports whether version v begins with the parts of prefix: 1.2 fits
// 1.2.0 and not 1.20.0.
func fits(v, prefix string, wanted bool) bool {
	if !wanted {
		return true
	}
	rest, ok := strings.CutPrefix(v, prefix)
	return ok && prefix != "" && (rest == "" || rest[0] == '.' || rest[0] == '-' || rest[0] == '+')
}

// isRelease reports whether a version has no pre-release part.
func isRelease(v string) bool {
	core, _, _ := strings.Cut(v, "+")
	return !strings.Contains(core, "-")
}

// compareVersions orders semantic versions by precedence, then as text, so
// that different versions never compare equal. The empty version comes first.
func compareVersions(a, b string) int {
	ca, pa := splitVersion(a)
	cb, pb := splitVersion(b)
	if c := compareParts(ca, cb); c != 0 {
		return c
	}
	switch {
	case pa == "" && pb != "":
		return 1
	case pa != "" && pb == "":
		return -1
	}
	if c := compareParts(pa, pb); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func splitVersion(v string) (core, pre string) {
	v, _, _ = strings.Cut(v, "+")
	core, pre, _ = strings.Cut(v, "-")
	return core, pre
}

// compareParts compares what points part: numbers by value and below words.
func compareParts(a, b string) int {
	if a == "" || b == "" {
		return strings.Compare(a, b)
	}
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := 0; i < len(as) && i < len(bs); i++ {
		if c := comparePart(as[i], bs[i]); c != 0 {
			return c
		}
	}
	return len(as) - len(bs)
}

func comparePart(a, b string) int {
	na, nb := isNumber(a), isNumber(b)
	switch {
	case na && nb && len(a) != len(b):
		return len(a) - len(b)
	case na != nb && na:
		return -1
	case na != nb:
		return 1
	}
	return strings.Compare(a, b)
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
