package contract

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// Texts of plugins neither steer a terminal nor pass for lines of the host's.
func TestShown_HostileNames_OneLineInBounds(t *testing.T) {
	esc := "\x1b[2JPWNED\nFH-0000: all is well\t"
	fields := []arrow.Field{{Name: esc, Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: esc}}}
	for range 100 {
		fields = append(fields, arrow.Field{Name: "s", Type: arrow.StructOf(arrow.Field{Name: strings.Repeat("x", 1000) + esc, Type: arrow.PrimitiveTypes.Int64}), Nullable: true})
	}
	got := Shown(arrow.NewSchema(fields, nil))
	if strings.ContainsAny(got, "\x1b\n\t") || len(got) > 2*mostShown || !strings.Contains(got, "PWNED") || !strings.Contains(got, "not null") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if got := Shown(arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.BinaryTypes.String, Nullable: true}}, nil)); got != "a int64 not null, b utf8" {
		t.Errorf("got %q", got)
	}
	if got := Indent("first\nFH-0000: second"); got != "first\n    FH-0000: second" {
		t.Errorf("got %q", got)
	}
}
