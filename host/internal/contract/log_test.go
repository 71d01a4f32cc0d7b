package contract

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"
)

// logInto gives a logger whose lines read "LEVEL message key=value".
func logInto(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug - 4, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// A stage keeps so many lines a second, then says how many it dropped.
func TestLog_Flood_CountedAndDropped(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(1000, 0)
	l := NewLog(logInto(&b), "chatty", 3)
	l.clock = func() time.Time { return now }
	for i := range 5 {
		l.Line(int32(i), fmt.Sprint("line ", i))
	}
	now = now.Add(time.Second)
	l.Line(2, "later")
	l.Close()
	want := "level=ERROR msg=\"line 0\" plugin=chatty\n" +
		"level=WARN msg=\"line 1\" plugin=chatty\n" +
		"level=INFO msg=\"line 2\" plugin=chatty\n" +
		"level=WARN msg=\"plugin logs too much\" plugin=chatty dropped=2 lines_per_second=3 code=FH-3008\n" +
		"level=INFO msg=later plugin=chatty\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
