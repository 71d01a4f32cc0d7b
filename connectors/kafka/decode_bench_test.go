package kafka

import (
	"syscall"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
)

// BenchmarkDecode makes columns of the messages of a fetch: records walked,
// values gathered and parsed. It tells messages per second of one processor.
func BenchmarkDecode(b *testing.B) {
	const value = `{"user_id": 12345678, "event": "page_view", "amount": 12.75, "ok": true}`
	cfg := config.Reader{ID: "r", Format: "json", Kafka: &config.Kafka{Topic: "t"}, Schema: []config.Column{
		{Name: "user_id", Type: "bigint"}, {Name: "event", Type: "string"}, {Name: "amount", Type: "double"}, {Name: "ok", Type: "boolean"}}}
	f, err := newJSON(cfg)
	if err != nil {
		b.Fatal(err)
	}
	fields, err := f.fields(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var want []string
	for _, x := range fields {
		want = append(want, x.Name)
	}
	v, err := f.values(want)
	if err != nil {
		b.Fatal(err)
	}
	const rows = 8000
	records := recordBatch(rows, value)
	var k walker
	var g gathered
	n := 0
	b.ReportAllocs()
	used := cpu()
	for b.Loop() {
		g.start(rows)
		if _, err := k.walk(fetched{records: records}, 0, func(m *message) error { g.add(0, m); return nil }); err != nil {
			b.Fatal(err)
		}
		d, err := v.decode(b.Context(), &g, 0)
		if err != nil || len(d.bad) > 0 || d.columns[0].Len() != rows {
			b.Fatal(err, len(d.bad))
		}
		d.release()
		n += rows
	}
	b.ReportMetric(float64(n)/(cpu()-used).Seconds()/1e6, "Mmsg/cpu-s")
}

// cpu is the processor time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
