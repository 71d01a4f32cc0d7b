package observe_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

var _ flow.Counter = (*observe.Events)(nil)

func TestMeter_Batches_CountedWithTheirRows(t *testing.T) {
	var e observe.Events
	first := e.Meter("filter", observe.KindFilter)
	e.Meter("idle", observe.KindSink)
	for _, n := range []int64{3, 0, 5} {
		first.In(n)
		first.Busy(1500 * time.Microsecond)
	}
	first.Out(7)
	first.Busy(400 * time.Nanosecond) // below what is shown
	want := []observe.StageStats{
		{Name: "filter", Kind: "filter", RowsIn: 8, RowsOut: 7, Batches: 3, Seconds: 0.0045},
		{Name: "idle", Kind: "sink"},
	}
	got := e.Stages()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	first.In(1)
	if got[0].RowsIn != 8 || e.Stages()[0].RowsIn != 9 {
		t.Error("a reading changes after it was taken, or the next one does not")
	}
	b, err := json.Marshal(want[0])
	if err != nil || string(b) != `{"name":"filter","kind":"filter","rows_in":8,"rows_out":7,"batches":3,"seconds":0.0045}` {
		t.Errorf("%s %v", b, err)
	}
}

func TestEvents_ManyWorkers_NothingLost(t *testing.T) {
	var e observe.Events
	m := e.Meter("s", observe.KindStage)
	const workers, each = 8, 500
	var wg sync.WaitGroup
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			own := e.Meter(fmt.Sprint(w), observe.KindStage)
			for range each {
				m.In(2)
				m.Out(1)
				own.In(1)
				e.Add("cast_failures", fmt.Sprint(w%2), 1)
				e.Stages() // as progress reads them meanwhile
			}
			e.Warn("slow")
		}()
	}
	wg.Wait()
	s := e.Stages()
	if len(s) != workers+1 || s[0].RowsIn != 2*workers*each || s[0].RowsOut != workers*each || s[0].Batches != workers*each {
		t.Errorf("%+v", s)
	}
	if e.Total("cast_failures") != workers*each || len(e.Warnings()) != workers {
		t.Errorf("%d counts, %d warnings", e.Total("cast_failures"), len(e.Warnings()))
	}
}

// A total is the sum over the labels, names do not mix, and a count of zero is
// not told.
func TestEvents_AnyCounts_TotalIsTheSumOfLabels(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var e observe.Events
		want := map[string]map[string]int64{"rejected": {}, "dropped": {}, "never": {}}
		for range rapid.IntRange(0, 30).Draw(rt, "adds") {
			name := rapid.SampledFrom([]string{"rejected", "dropped"}).Draw(rt, "name")
			label := rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "label")
			n := rapid.Int64Range(-2, 3).Draw(rt, "n")
			e.Add(name, label, n)
			want[name][label] += n
		}
		for name, labels := range want {
			var sum int64
			told := map[string]int64{}
			for l, n := range labels {
				sum += n
				if n != 0 {
					told[l] = n
				}
			}
			if got := e.Total(name); got != sum {
				rt.Fatalf("%s: total %d, want %d", name, got, sum)
			}
			if got := e.Labels(name); !reflect.DeepEqual(got, told) {
				rt.Fatalf("%s: %v, want %v", name, got, told)
			}
		}
	})
}

func TestEvents_Warnings_InOrderAndTheCallersOwn(t *testing.T) {
	var e observe.Events
	e.Warn("one")
	e.Warn("two")
	got := e.Warnings()
	got[0] = "changed"
	if again := e.Warnings(); !reflect.DeepEqual(again, []string{"one", "two"}) {
		t.Error(again)
	}
	e.Add("n", "", 1)
	e.Labels("n")[""] = 9
	if e.Total("n") != 1 {
		t.Error("what Labels gave is shared")
	}
}
