package hostile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
)

// Programs gives all of them, by moment.
func Programs() []Program {
	return slices.Concat(unfit(), unstarted(), unbound(), deadly(), lying(), behind(), keyed(), unwilling())
}

// ending are modes that end in a code. A mark of ! says that one hangs.
type ending struct {
	code  int
	modes string
}

// programs makes them of modes.
func programs(when When, kind abi.Kind, endings []ending) (out []Program) {
	for _, e := range endings {
		for _, name := range strings.Fields(e.modes) {
			mode, hangs := strings.CutSuffix(name, "!")
			p := Program{Name: mode, When: when, Code: e.code, Kind: kind, Mode: mode, Hangs: hangs}
			if strings.HasPrefix(mode, "rows") || strings.HasPrefix(mode, "keep") {
				p.Kind = abi.Filter
			}
			out = append(out, p)
		}
	}
	return out
}

// unfit are folders that are no plugin.
func unfit() []Program {
	harmed := func(name string, code int, harm func(folder string) error) Program {
		return Program{Name: name, When: AtLoad, Code: code, Kind: abi.Map, harm: harm}
	}
	manifest := func(text string) func(string) error {
		return func(folder string) error {
			return os.WriteFile(filepath.Join(folder, "manifest.json"), []byte(text), 0o644)
		}
	}
	return []Program{
		harmed("no program", abi.CodeManifest, func(folder string) error { return os.Remove(filepath.Join(folder, "hostile")) }),
		harmed("a folder for a program", abi.CodeManifest, replaced(func(path string) error { return os.Mkdir(path, 0o755) })),
		harmed("nobody may run it", abi.CodeManifest, replaced(func(path string) error { return os.WriteFile(path, []byte("#!/bin/sh\n"), 0o644) })),
		harmed("no manifest", abi.CodeManifest, func(folder string) error { return os.Remove(filepath.Join(folder, "manifest.json")) }),
		harmed("manifest of no JSON", abi.CodeManifest, manifest("{")),
		harmed("manifest of 1 MB", abi.CodeManifest, manifest(strings.Repeat(" ", 1<<20)+plain())),
		harmed("manifest for abi 2.0", abi.CodeABIVersion, manifest(strings.Replace(plain(), `"abi":"1.0"`, `"abi":"2.0"`, 1))),
		harmed("manifest climbs", abi.CodeManifest, manifest(strings.Replace(plain(), `"name":"hostile"`, `"name":"../hostile/hostile"`, 1))),
	}
}

// replaced puts something else in place of the program.
func replaced(by func(path string) error) func(folder string) error {
	return func(folder string) error {
		path := filepath.Join(folder, "hostile")
		if err := os.Remove(path); err != nil {
			return err
		}
		return by(path)
	}
}

// unstarted are programs that do not come as far as to be asked anything.
func unstarted() []Program {
	var out []Program
	for _, e := range []ending{
		{abi.CodeHandshake, "garbage long exit half tcp elsewhere climbs"},
		{abi.CodeProtocol, "version core netrpc"},
		{abi.CodeStart, "silent! stopped!"},
		{abi.CodeInit, "deaf"},
		{abi.CodeExited, "leaves"},
		{0, "certificate fork"},
	} {
		for _, p := range programs(AtOpen, abi.Map, []ending{e}) {
			p.Name, p.Starts, p.Mode = "starts: "+p.Mode, p.Mode, ""
			out = append(out, p)
		}
	}
	for _, s := range []struct {
		script string
		code   int
		hangs  bool
	}{
		{"silent.sh", abi.CodeStart, true}, {"forks.sh", abi.CodeHandshake, false}, {"stubborn.sh", abi.CodeInit, false},
		{"deaf.py", abi.CodeInit, false}, {"mute.py", abi.CodeInit, true}, {"babble.py", abi.CodeInit, false},
		{"long.py", abi.CodeHandshake, false}, {"escapes.py", abi.CodeHandshake, false},
		{"moves.py", abi.CodeStart, true}, {"locks.sh", abi.CodeHandshake, false},
	} {
		out = append(out, Program{Name: s.script, When: AtOpen, Code: s.code, Kind: abi.Map, Script: s.script, Hangs: s.hangs})
	}
	for _, file := range []struct{ name, text string }{
		{"no machine's", "\x00\x01\x02"}, {"empty", ""}, {"interpreter gone", "#!/no/such/interpreter\n"},
	} {
		out = append(out, Program{Name: file.name, When: AtOpen, Code: abi.CodeHandshake, Kind: abi.Map, harm: replaced(func(path string) error {
			return os.WriteFile(path, []byte(file.text), 0o755)
		})})
	}
	return append(out,
		Program{Name: "certificate missing", When: AtOpen, Code: abi.CodeHandshake, Kind: abi.Map, MTLS: true},
		Program{Name: "certificate of garbage", When: AtOpen, Code: abi.CodeHandshake, Kind: abi.Map, MTLS: true, Starts: "certificate"},
		Program{Name: "certificate without its key", When: AtOpen, Code: abi.CodeInit, Kind: abi.Map, MTLS: true, Starts: "certificate_borrowed"},
	)
}

// unbound are programs that fail when they are asked what they are, or are bound.
func unbound() []Program {
	out := programs(AtOpen, abi.Map, []ending{
		{abi.CodeConfig, "bind_refuses"},
		{abi.CodeInit, "bind_breaks bind_hangs! bind_endless! bind_nothing bind_no_json bind_no_base64 bind_big"},
		{abi.CodeExited, "bind_dies"},
		{abi.CodeOutputSchema, "bind_garbage bind_large bind_deep bind_wide bind_twice"},
		{abi.CodeNameClash, "bind_replaces bind_reserved"},
	})
	for _, e := range []ending{
		{abi.CodeManifest, "describes_another describes_text describes_much describes_nothing"},
		{abi.CodeInit, "describe_refuses describe_hangs!"},
		{abi.CodeExited, "describe_dies"},
	} {
		for _, p := range programs(AtOpen, abi.Map, []ending{e}) {
			p.Starts, p.Mode = p.Mode, ""
			out = append(out, p)
		}
	}
	return append(out,
		Program{Name: "bind: another output", When: AtOpen, Code: abi.CodeOutputSchema, Kind: abi.Map, Output: `{"mode":"static","columns":[{"name":"y","type":"int64","nullable":true}]}`},
		Program{Name: "bind: no selection", When: AtOpen, Code: abi.CodeOutputSchema, Kind: abi.Filter},
	)
}

// deadly give no answer to the batch.
func deadly() []Program {
	// Empty batches without end are too many, or too late, whichever is first.
	// As words without end are, or frames of too few bytes.
	words := Program{Name: "words_endless", When: AtBatch, Code: abi.CodeDeadline, Or: abi.CodeStream, Kind: abi.Map, Mode: "words_endless", Hangs: true}
	trickle := Program{Name: "trickle", When: AtBatch, Code: abi.CodeDeadline, Or: int(cdata.TooMuch), Kind: abi.Map, Mode: "trickle", Hangs: true}
	// That this one has ended is known once its child lets go of the stream.
	forks := Program{Name: "forks_away", When: AtBatch, Code: abi.CodeExited, Or: abi.CodeStream, Kind: abi.Map, Mode: "forks_away"}
	return append(programs(AtBatch, abi.Map, []ending{
		{abi.CodeExited, "exit kill9 loud_exit forks"},
		{abi.CodeDeadline, "hang! spin! shouts! signals_hang! deadline"},
		{abi.CodeStream, "hangs_up unavailable cancelled"},
		{abi.CodeBadBatch, "aborted data_loss internal unknown long_no"},
		{abi.CodeData, "invalid beyond"},
		{abi.CodeMemory, "exhausted"},
		{abi.CodeStdout, "prints flood"},
		{abi.CodeInit, "bind_drifts"}, // in the process that the second try meets
		{0, "clears"},
	}), words, trickle, forks)
}

// lying give an answer that is none.
func lying() []Program {
	return programs(AtBatch, abi.Map, []ending{
		{abi.CodeStream, "truncated truncated_after_data garbage_header garbage_zeros header_cut garbage_message dictionary compressed no_schema schema_twice"},
		{abi.CodeStream, "buffers_outside buffers_huge buffers_wrap"},
		{abi.CodeMessage, "big"},
		{abi.CodeAck, "ack_wrong ack_ahead ack_old ack_negative ack_text ack_garbage ack_huge metrics_text"},
		{abi.CodeMisuse, "rejects metrics_wrong metrics_endless"},
		{int(cdata.OutOfMemory), "buffers_short"},
		{int(cdata.BadShape), "two_columns no_columns"},
		{int(cdata.BadLength), "short surplus ack_alone ack_first length_huge length_negative length_differs"},
		{int(cdata.BadLength), "rows_falling rows_same rows_negative rows_beyond rows_pieces_falling keep_short"},
		{int(cdata.BadBuffers), "text_for_numbers"},
		{int(cdata.BadNulls), "null nulls_lie nulls_negative nulls_huge"},
		{int(cdata.BadOffsets), "utf8_offsets utf8_negative utf8_overlong"},
		{int(cdata.BadUTF8), "utf8_broken"},
		{int(cdata.BadDecimal), "decimal_beyond"},
		{int(cdata.TooMuch), "utf8_bomb"},
		{int(cdata.SchemaDrift), "wrong_schema wrong_schema_type wrong_schema_name wrong_schema_none"},
	})
}

// behind strike once the batch is answered, and the next meets it: most are gone
// by its second try, in another process.
func behind() []Program {
	return programs(AfterBatch, abi.Map, []ending{
		{abi.CodeAck, "ack_twice"},
		{0, "exit_after stop_after! end_after no_after ack_early batch_after garbage_after schema_after rows_after"},
	})
}

// keyed are programs of that kind, which get no second try.
func keyed() []Program {
	return slices.Concat(
		programs(AtBatch, abi.Keyed, []ending{
			{abi.CodeExited, "flush_takes_exit"},
			{abi.CodeData, "flush_takes_no"},
			{abi.CodeDeadline, "flush_takes_hang!"},
			{int(cdata.BadLength), "flush_takes_beyond"},
		}),
		programs(AtFlush, abi.Keyed, []ending{
			{int(cdata.TooMuch), "flush_endless"},
			{int(cdata.BadLength), "flush_empty flush_large"},
			{int(cdata.SchemaDrift), "flush_schema flush_schema_of_batches"},
			{abi.CodeStream, "flush_schema_twice flush_no_schema flush_batch_first flush_garbage flush_short_buffer"},
			{abi.CodeMessage, "flush_big"},
			{abi.CodeAck, "flush_ack flush_late_batch"},
			{abi.CodeExited, "flush_dies flush_late_death"},
			{abi.CodeDeadline, "flush_hangs! flush_hangs_later! flush_words!"},
			{abi.CodeData, "flush_refuses"},
			{abi.CodeBadBatch, "flush_breaks flush_late_no"},
			{abi.CodeStdout, "flush_prints"},
		}))
}

// unwilling do not end when they are asked to.
func unwilling() []Program {
	return programs(AtClose, abi.Map, []ending{
		{abi.CodeKilled, "ignores_shutdown! shutdown_hangs! close_endless! close_hangs!"},
		{abi.CodeStdout, "shutdown_prints"},
		{0, "shutdown_dies"},
	})
}
