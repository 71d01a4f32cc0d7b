package sdk

import (
	"errors"
	"strings"
)

// Field is a column as a schema names it.
type Field struct {
	Name string
	// Type is written as in a manifest: float64, utf8, timestamp[us,UTC].
	Type     string
	Nullable bool
}

// simple pairs the type names of a manifest with the formats of the C Data
// Interface and the width of a value in bytes; 0 is bits, -1 is text.
var simple = []struct {
	name, format string
	width        int
}{
	{"bool", "b", 0},
	{"int8", "c", 1}, {"int16", "s", 2}, {"int32", "i", 4}, {"int64", "l", 8},
	{"uint8", "C", 1}, {"uint16", "S", 2}, {"uint32", "I", 4}, {"uint64", "L", 8},
	{"float32", "f", 4}, {"float64", "g", 8},
	{"utf8", "u", -1}, {"binary", "z", -1},
	{"date32", "tdD", 4},
}

// units of a timestamp, in the order of their letters in a format: s m u n.
var units = []string{"s", "ms", "us", "ns"}

// formatOf gives the C format and width of a type name.
func formatOf(name string) (format string, width int, err error) {
	for _, s := range simple {
		if s.name == name {
			return s.format, s.width, nil
		}
	}
	if inner, ok := strings.CutPrefix(name, "timestamp["); ok && strings.HasSuffix(inner, "]") {
		unit, zone, _ := strings.Cut(strings.TrimSuffix(inner, "]"), ",")
		unit, zone = strings.TrimSpace(unit), strings.TrimSpace(zone)
		for i, u := range units {
			if u == unit {
				return "ts" + "smun"[i:i+1] + ":" + zone, 8, nil
			}
		}
	}
	return "", 0, errors.New("type " + name + " is not supported by the Go SDK")
}

// typeOf gives the type name and width of a C format.
func typeOf(format string) (name string, width int, err error) {
	for _, s := range simple {
		if s.format == format {
			return s.name, s.width, nil
		}
	}
	if len(format) >= 4 && format[:2] == "ts" && format[3] == ':' {
		if i := strings.IndexByte("smun", format[2]); i >= 0 {
			name = "timestamp[" + units[i]
			if zone := format[4:]; zone != "" {
				name += "," + zone
			}
			return name + "]", 8, nil
		}
	}
	return "", 0, errors.New("columns of format " + format + " are not supported by the Go SDK")
}

// family is the part of a type name that picks the Go type of its values.
func family(name string) string {
	if strings.HasPrefix(name, "timestamp[") {
		return "timestamp"
	}
	return name
}
