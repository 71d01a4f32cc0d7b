package host

import (
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/catalog"
	"github.com/featurehost/featurehost/host/internal/deadletter"
	"github.com/featurehost/featurehost/host/internal/exchange"
	"github.com/featurehost/featurehost/host/internal/ledger"
	"github.com/featurehost/featurehost/host/internal/pipeline"
	"github.com/featurehost/featurehost/host/internal/plan"
	"github.com/featurehost/featurehost/host/internal/spill"
	"github.com/featurehost/featurehost/host/internal/sql"
	"github.com/featurehost/featurehost/host/internal/wasm"
)

// Codes of this room.
const (
	TooLittleMemory fault.Code = 230
	NoState         fault.Code = 8070
	StageLostRows   fault.Code = 3021
	LateReject      fault.Code = 3022
	BadInterval     fault.Code = 231
	NoFileReader    fault.Code = 232
	NoPluginDir     fault.Code = 233
	PublishFailed   fault.Code = 8071
	Interrupted     fault.Code = 8072
	NoFirstDay      fault.Code = 234
	MissingRefused  fault.Code = 235
	NoSuchLetters   fault.Code = 236
	NotReplayable   fault.Code = 237
	SeveralRuns     fault.Code = 238
	LetterUnfit     fault.Code = 3023
	NotWritten      fault.Code = 8074
	MissingBadData  fault.Code = 3025
	MissingStopped  fault.Code = 8073
	// Codes of migrations.
	MigrateFailed       fault.Code = 8063
	MigrateDiffers      fault.Code = 8064
	MigrationUnrecorded fault.Code = 8062
)

// Codes explains the codes of host and of the rooms that only it can see.
func Codes() []fault.Doc {
	out := []fault.Doc{
		{Code: TooLittleMemory, Title: "too little memory", Explain: "--memory, or memory in [pipeline], is less than the smallest run needs. The message names the least."},
		{Code: NoState, Title: "state folder unusable", Explain: "The folder for caches, the embedded store and dead letters cannot be used. Check `state` in [pipeline] and its permissions."},
		{Code: LateReject, Title: "row rejected too late", Explain: "A stage rejected a row after the run had ended, so the row could not be kept. This is a defect of featurehost or of the stage: please report it."},
		{Code: BadInterval, Title: "bad interval", Explain: "The end of the interval is before its start. Both days are in the interval; --date D stands for one day."},
		{Code: NoFileReader, Title: "no reader for files", Explain: "This build of featurehost was made without the reader of files, which also reads back the result of [query]."},
		{Code: NoPluginDir, Title: "plugin folder missing", Explain: "The folder given by --plugins does not exist or cannot be read."},
		{Code: PublishFailed, Title: "a store was not loaded", Explain: "All rows were computed and are durable, but a store refused them; the cause follows in the message. The ledger keeps the run as incomplete, and the next run of the pipeline completes it before anything else."},
		{Code: Interrupted, Title: "interrupted", Explain: "The run was ended by Ctrl-C or SIGTERM before it published. Nothing it wrote is left."},
		{Code: NoFirstDay, Title: "first day not known", Explain: "--missing without --start begins at the first day that the run ledger knows, and there is no run in it yet. Give --start, or make the table with a full run first."},
		{Code: MissingRefused, Title: "missing days refused", Explain: "One of the runs that compute missing days was refused; the cause follows in the message. The intervals before it are published. Correct the cause and give the same command again: it goes on from there."},
		{Code: NoSuchLetters, Title: "no such dead letters", Explain: "No dead letter of this pipeline has the run or the stage that was named. `featurehost deadletter list PIPELINE.toml` shows what there is; a run may also be named by its number."},
		{Code: SeveralRuns, Title: "several runs have the number", Explain: "Dead letters were named by the number of their run, and several runs have it, as after the ledger was set up anew. Give the id of the run in place of its number: `featurehost deadletter list PIPELINE.toml` shows the ids."},
		{Code: NotReplayable, Title: "letters cannot be replayed", Explain: "The stage of these letters cannot be given its rows one by one: it is a reader, which turned down text that is no row yet, a stage that looks at several rows together, or one that the pipeline file no longer has. Mend what the letters tell, and run their interval again."},
		{Code: LetterUnfit, Title: "letter does not fit the stage", Explain: "The row of a dead letter lacks a column that the pipeline reads today at its stage, or has it with another type: pipeline, or source, changed since. The row cannot be replayed; run its interval again."},
		{Code: NotWritten, Title: "rows of a replay not written", Explain: "The file given by --out cannot be written. Nothing else was changed: the letters are where they were. Check the folder, its permissions and the space left."},
		{Code: MissingBadData, Title: "missing days failed", Explain: "One of the runs that compute missing days failed on the data; the cause follows in the message. The intervals before it are published. Repair the cause and give the same command again: it goes on from there."},
		{Code: MissingStopped, Title: "missing days stopped", Explain: "One of the runs that compute missing days was stopped by the system around it: a server, a permission, a full disk, days held by another run; the cause follows in the message. The intervals before it are published. Give the same command again: it goes on from there."},
		{Code: MigrateFailed, Title: "table not migrated", Explain: "The table of a sink could not be compared with the pipeline's columns, or a server refused a change; the cause follows in the message. Changes before it may have been made: the record in the ledger's folder, migrations/, says which. Correct the cause and give the same command again: it makes what is left."},
		{Code: MigrateDiffers, Title: "table differs after its migration", Explain: "All changes of a table were sent and accepted, and yet the table differs from the pipeline's columns. Somebody else may be changing it, or the server has not told all its nodes yet. Give the same command again; if it persists, look at the table."},
		{Code: MigrationUnrecorded, Title: "migration not recorded", Explain: "A table was changed, but what became of it could not be written into the ledger's folder, migrations/; its statements are there since before the first was sent. The cause follows in the message. The table is as the report tells; nothing needs to be done again, and the next migrate --apply looks what became of the statements and records it."},
		{Code: StageLostRows, Title: "a stage lost rows", Explain: "A stage that must hand on every row did not, or counts do not add up: rows read + rows that stacking added + rows that keyed plugins made = filtered + rejected + skipped + dropped + folded + used. Folded are the rows that a stage such as a pivot got, less those that it made of them. Nothing was published. This is a defect of featurehost or of the plugin named."},
	}
	for _, list := range [][]fault.Doc{
		streamCodes(), catalog.Codes(), deadletter.Codes(), exchange.Codes(), ledger.Codes(), pipeline.Codes(), plan.Codes(), spill.Codes(), sql.Codes(), wasm.Codes(),
	} {
		out = append(out, list...)
	}
	return out
}
