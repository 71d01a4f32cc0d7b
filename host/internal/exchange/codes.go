package exchange

import "github.com/featurehost/featurehost/host/fault"

// Codes of the exchange.
const (
	ScratchUnwritable fault.Code = 8030
	SpillWrite        fault.Code = 8031
	SpillRead         fault.Code = 8032
	BadOrder          fault.Code = 8033
	UnsupportedColumn fault.Code = 8034
	SchemaChanged     fault.Code = 8035
	OutOfTurn         fault.Code = 8036
)

// Codes explains each code of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: ScratchUnwritable, Title: "scratch folder not writable", Explain: "The rows of the run do not fit the memory budget and the folder for spilled rows cannot be written. Make it writable, name another one, or raise --memory."},
		{Code: SpillWrite, Title: "spilled rows cannot be written", Explain: "Writing rows that do not fit the memory budget failed, most often because the disk is full. Free space, point the scratch folder at a larger disk, or raise --memory; the run can be repeated as it is."},
		{Code: SpillRead, Title: "spilled rows cannot be read", Explain: "A file of spilled rows is missing, short or not what was written: its checksum does not match. Another process touched the scratch folder or the disk is failing. Check both and repeat the run."},
		{Code: BadOrder, Title: "order does not fit the rows", Explain: "A stage asks for its rows in an order over columns that the rows do not have, or whose type has no order. This is a defect of the stage; report it with its name."},
		{Code: UnsupportedColumn, Title: "column type cannot be exchanged", Explain: "A column has a type that the exchange does not carry (dictionary, union, view, run-end encoded). Cast it to a plain type before the feature set."},
		{Code: SchemaChanged, Title: "batch with other columns", Explain: "A batch reached the exchange with other columns or types than were announced. This is a defect of the stage before it; report it."},
		{Code: OutOfTurn, Title: "exchange used out of turn", Explain: "Rows were added after the end of input, or read before it or after closing. This is a defect of the host; report it."},
	}
}
