package pipeline

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	RowsLost fault.Code = 3020
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: RowsLost, Title: "rows unaccounted for", Explain: "Rows went into a stage that neither came out nor were counted as filtered, rejected or dropped. Nothing was published. This is a defect of featurehost or of the stage named: please report it with the pipeline file."},
	}
}
