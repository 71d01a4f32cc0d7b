package plan

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	UnknownName fault.Code = 220
	UnknownSink fault.Code = 221
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: UnknownName, Title: "unknown reader type", Explain: "A [[reader]] has a type that this build does not hold. Run `featurehost doctor` to see which it holds."},
		{Code: UnknownSink, Title: "unknown sink type", Explain: "A [[sink]] has a type that this build does not hold. Run `featurehost doctor` to see which it holds."},
	}
}
