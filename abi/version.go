package abi

import (
	"fmt"
	"strconv"
	"strings"
)

// Version is major.minor of the plugin ABI.
type Version struct{ Major, Minor int }

// Current is the version that this host speaks.
func Current() Version { return Version{1, 0} }

// ImportModule is the module name under which guests import host functions.
const ImportModule = "featurehost_v1"

// ParseVersion reads "1.0".
func ParseVersion(s string) (Version, error) {
	ma, mi, ok := strings.Cut(s, ".")
	major, err1 := parseDigits(ma)
	minor, err2 := parseDigits(mi)
	if !ok || err1 != nil || err2 != nil {
		return Version{}, fmt.Errorf("%q is no ABI version: write major.minor, as in \"1.0\"", s)
	}
	return Version{major, minor}, nil
}

// parseDigits reads a number of at most four digits without sign or leading
// zero: what fits the 16 bits of VersionOf with room to spare.
func parseDigits(s string) (int, error) {
	if s == "" || len(s) > 4 || (len(s) > 1 && s[0] == '0') || strings.Trim(s, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(s)
}

// VersionOf reads what fh_abi_version answers: major<<16 | minor.
func VersionOf(word uint32) Version { return Version{int(word >> 16), int(word & 0xffff)} }

// Word is what fh_abi_version answers for v.
func (v Version) Word() uint32 { return uint32(v.Major)<<16 | uint32(v.Minor) }

// String gives "1.0".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Check refuses (FH-1002) a plugin's version that this host does not speak:
// another major, or a minor above the host's.
func (v Version) Check() error {
	c := Current()
	if v.Major == c.Major && v.Minor <= c.Minor {
		return nil
	}
	return &Error{Code: CodeABIVersion,
		Message: fmt.Sprintf("the plugin speaks ABI %s, this host %s", v, c),
		Hint:    "rebuild the plugin for ABI " + c.String() + ", or use a host that speaks " + v.String()}
}
