package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
)

// hostilePlugin is the guest that breaks the rule its config names, as soon as
// a batch begins with 13; see conformance/hostile/guests/hostile.c.
func hostilePlugin(t testing.TB, kind string) string {
	t.Helper()
	manifest := fmt.Sprintf(`{"abi":"1.0","name":"hostile","version":"1.0.0","kind":%q,
		"input":{"columns":[{"name":"amount","type":"float64","nullable":true}]},"output":{"mode":"init"},
		"config_schema":{"type":"object","properties":{"mode":{"type":"string","default":"good"}},"additionalProperties":false},
		"stateful":false,"deterministic":true}`, kind)
	w, err := abi.Pack([]byte(read(t, "../../conformance/hostile/guests/hostile.wasm")), []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return string(w)
}

// TestRun_PluginMisbehaves_NothingWritten: what a guest does while rows move
// ends in status 1 and names stage, plugin, digest and the rows of the batch.
// Rule: S-506.
func TestRun_PluginMisbehaves_NothingWritten(t *testing.T) {
	t.Parallel()
	w := ran(t)
	w.write("plugins/hostile.wasm", hostilePlugin(t, "map"))
	var rows strings.Builder
	rows.WriteString("id,ts,amount\n")
	for i := range 100 {
		amount := 2.5
		if i == 40 {
			amount = 13
		}
		fmt.Fprintf(&rows, "%d,2024-01-02T03:04:05Z,%g\n", i, amount)
	}
	w.write("thirteen.csv", rows.String())
	for _, c := range []struct{ mode, code, says string }{
		{"trap_value", "FH-3002", "13 is unlucky"},
		{"divide", "FH-3002", "divide by zero"},
		{"outside", "FH-3002", "out of bounds"},
		{"bomb", "FH-3004", "limits.memory"},
		{"status1", "FH-3001", "bad rows"},
		{"pointer_outside", "FH-4002", ""},
		{"pointer_null", "FH-4002", ""},
		{"values_misaligned", "FH-4003", ""},
		{"children_count", "FH-4004", ""},
		{"length_negative", "FH-4005", ""},
		{"length_short", "FH-4005", ""},
		{"offset_huge", "FH-4005", ""},
		{"buffers_count", "FH-4006", ""},
		{"null_count", "FH-4007", ""},
		{"text_falling", "FH-4009", ""},
		{"text_not_utf8", "FH-4010", ""},
		{"decimal", "FH-4011", ""},
		{"alias", "FH-4012", ""},
	} {
		t.Run(c.mode, func(t *testing.T) {
			w := &world{t, w.dir, w.tmp, w.env}
			w.pipeline("events.csv", "thirteen.csv", `name = "spend"

[[reader]]`, `name = "spend"
batch_rows = 20
workers = 1
[[reader]]`, "# stage", "[[stage]]\nuse = \"hostile\"\nconfig = { mode = \""+c.mode+"\" }\nlimits = { memory = \"16MiB\" }")
			w.refused(1, []string{`stage "hostile"`, "hostile@1.0.0", "sha256:", "thirteen.csv:row", " 41", c.code, c.says}, "run", "p.toml")
		})
	}
}

// TestRun_PluginUnfit_RefusedBeforeTheFirstRow: a plugin that cannot be loaded
// or bound ends in status 2; one that no pipeline names harms nobody.
func TestRun_PluginUnfit_RefusedBeforeTheFirstRow(t *testing.T) {
	t.Parallel()
	w := ran(t)
	whole := read(t, "../../plugins/delay_score_c/delay_score_c.wasm")
	// manifest puts another manifest in place of the plugin's own: the section
	// is the last one, so that it may be cut off.
	pack := func(old, new string) string {
		manifest := read(t, "../../plugins/delay_score_c/manifest.json")
		if !strings.Contains(manifest, old) {
			t.Fatalf("the manifest has no %q", old)
		}
		w, err := abi.Pack([]byte(read(t, "../../conformance/hostile/guests/hostile.wasm")), []byte(strings.Replace(manifest, old, new, 1)))
		if err != nil {
			return section(read(t, "../../conformance/hostile/guests/hostile.wasm"), strings.Replace(manifest, old, new, 1))
		}
		return string(w)
	}
	w.write("flights.csv", "id,ts,dep_delay,wind_speed\n1,2024-01-02T03:04:05Z,1.5,2.5\n")
	w.write("texts.csv", "id,ts,dep_delay,wind_speed\n1,2024-01-02T03:04:05Z,late,2.5\n")
	w.write("narrow.csv", "id,ts,dep_delay\n1,2024-01-02T03:04:05Z,2.5\n")
	for _, c := range []struct {
		name, file, wasm, data, config string
		says                           []string
	}{
		{"empty", "delay_score_c", "", "flights.csv", "", []string{"p.toml:14:7", "FH-1001"}},
		{"cut off", "delay_score_c", whole[:len(whole)/2], "flights.csv", "", []string{"p.toml:14:7", "FH-1001"}},
		{"no wasm", "delay_score_c", "hello, world, I am no module", "flights.csv", "", []string{"FH-1001"}},
		{"a component", "delay_score_c", "\x00asm\x0d\x00\x01\x00" + whole[8:], "flights.csv", "", []string{"FH-1001", "Component"}},
		{"another major", "delay_score_c", pack(`"abi": "1.0"`, `"abi": "2.0"`), "flights.csv", "", []string{"FH-1002", "2.0"}},
		{"a newer minor", "delay_score_c", pack(`"abi": "1.0"`, `"abi": "1.9"`), "flights.csv", "", []string{"FH-1002", "1.9"}},
		{"no manifest", "delay_score_c", read(t, "../../conformance/hostile/guests/hostile.wasm"), "flights.csv", "", []string{"FH-1005", "plugin pack"}},
		{"column missing", "delay_score_c", whole, "narrow.csv", "", []string{"p.toml:14:7", "FH-2002", "wind_speed"}},
		{"column of another type", "delay_score_c", whole, "texts.csv", "", []string{"p.toml:14:7", "FH-2002", "dep_delay", "cast it"}},
		{"misspelt config", "delay_score_c", whole, "flights.csv", "config = { treshold_minutes = 15 }", []string{"FH-2001", "treshold_minutes", "threshold_minutes"}},
		{"config of another type", "delay_score_c", whole, "flights.csv", `config = { threshold_minutes = "x" }`, []string{"FH-2001", "threshold_minutes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t, w.dir, w.tmp, w.env}
			w.write("plugins/"+c.file+".wasm", c.wasm)
			edit := []string{"events.csv", c.data, "# stage", "[[stage]]\nuse = \"delay_score_c\"\n" + c.config, `name = "amount"`, "name = \"amount\"\nfrom = \"delay_score\""}
			w.pipeline(edit...)
			w.refused(2, c.says, "run", "p.toml")
			w.refused(2, c.says, "check", "p.toml")
			if strings.HasPrefix(c.says[0], "FH-1") {
				w.pipeline() // does not name it
				w.good("check", "p.toml")
			}
		})
	}
}

// section puts a manifest that abi.Pack refuses into a module.
func section(wasm, manifest string) string {
	uleb := func(n int) string {
		var b []byte
		for ; n >= 0x80; n >>= 7 {
			b = append(b, byte(n)|0x80)
		}
		return string(append(b, byte(n)))
	}
	body := uleb(len(abi.SectionName)) + abi.SectionName + manifest
	return wasm + "\x00" + uleb(len(body)) + body
}
