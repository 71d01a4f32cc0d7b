package host

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/ledger"
)

func TestChunks_LongGaps_CutToMonths(t *testing.T) {
	gaps := []ledger.Gap{{First: 0, Last: 0, Reasons: []ledger.Reason{ledger.NotMade}}, {First: 10, Last: 10 + 2*longestChunk, Reasons: []ledger.Reason{ledger.OtherPlugins, ledger.NotMade}}}
	var got []string
	for _, c := range chunks(gaps) {
		if c.interval.String() != c.Start+".."+c.End && c.Days > 1 || c.Days != int(*c.interval.End-*c.interval.Start)+1 {
			t.Errorf("%+v", c)
		}
		got = append(got, fmt.Sprint(c.Start, " ", c.End, " ", c.Days, c.Reasons))
	}
	want := []string{
		"1970-01-01 1970-01-01 1 [not computed]", "1970-01-11 1970-02-10 31 [other plugins not computed]",
		"1970-02-11 1970-03-13 31 [other plugins not computed]", "1970-03-14 1970-03-14 1 [other plugins not computed]",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q", got)
	}
	if c := chunks(nil); c == nil || len(c) != 0 {
		t.Errorf("no gaps make %v", c)
	}
}

// Without an end the days are those that are over, whatever the zone.
func TestSpan_OpenEnds_FromTheFirstDayKnownToYesterday(t *testing.T) {
	at := time.Date(2024, 3, 1, 23, 30, 0, 0, time.FixedZone("west", -8*3600)) // the 2nd in UTC
	h := &Host{options: Options{Now: func() time.Time { return at }}}
	known := []ledger.Record{{Number: 1, State: ledger.Published, Start: "2024-02-20", End: "2024-02-21"}}
	day := func(text string) *flow.Day {
		if text == "" {
			return nil
		}
		d, err := flow.ParseDay(text)
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	for _, c := range []struct {
		start, end string
		records    []ledger.Record
		want       string
		code       fault.Code
	}{
		{"", "", known, "2024-02-20..2024-03-01", 0},
		{"2024-01-01", "", nil, "2024-01-01..2024-03-01", 0},
		{"", "2024-02-25", known, "2024-02-20..2024-02-25", 0},
		{"", "", nil, "", NoFirstDay},
		{"", "2024-02-10", known, "", BadInterval},
		{"2024-03-02", "", known, "", BadInterval},
	} {
		got, err := h.span(flow.Interval{Start: day(c.start), End: day(c.end)}, c.records)
		if c.code != 0 {
			if !fault.Is(err, c.code) || fault.ClassOf(err) != fault.Usage {
				t.Errorf("%q to %q: %v", c.start, c.end, err)
			}
		} else if err != nil || got.String() != c.want {
			t.Errorf("%q to %q: %v, %v", c.start, c.end, got, err)
		}
	}
	if now := (&Host{}).now(); time.Since(now) > time.Minute {
		t.Errorf("it is %v", now)
	}
}

// An error of one run ends --missing with the same status and says how far it
// came.
func TestStopped_AnyCause_SameClass(t *testing.T) {
	start, end := flow.Day(0), flow.Day(3)
	c := Chunk{interval: flow.Interval{Start: &start, End: &end}}
	held := fault.New(ledger.Held, "held")
	held.Retry = true
	for _, x := range []struct {
		cause error
		code  fault.Code
		retry bool
	}{
		{held, MissingStopped, true},
		{fault.New(7512, "flat"), MissingRefused, false},
		{fault.New(StageLostRows, "lost"), MissingBadData, false},
		{errors.New("plain"), MissingBadData, false},
		{fault.Wrap(context.Canceled, Interrupted, "ended"), Interrupted, false},
	} {
		err := stopped(x.cause, c, 2, 5)
		e := fault.As(err)
		if e == nil || e.Code != x.code || e.Code.Class() != fault.ClassOf(x.cause) || e.Retry != x.retry || !errors.Is(err, x.cause) {
			t.Errorf("%v became %v", x.cause, err)
		}
	}
}

func TestDaysOf_Strategies_OnlyOtherColumnsAreNamed(t *testing.T) {
	for _, c := range []struct {
		from string
		inc  *config.Incremental
		want string
	}{
		{"ts", nil, ""},
		{"ts", &config.Incremental{Column: "ts", Unit: "ms"}, ""},
		{"", &config.Incremental{Column: "timestamp"}, ""},
		{"ts", &config.Incremental{Column: "loaded"}, "loaded"},
		{"ts", &config.Incremental{Partitions: []string{"y", "m", "d"}}, "y, m, d"},
	} {
		if got := daysOf(&config.FeatureSet{Timestamp: config.Timestamp{From: c.from}}, c.inc); got != c.want {
			t.Errorf("%+v: %q, want %q", c, got, c.want)
		}
	}
}
