package prepare

import (
	"testing"

	"github.com/featurehost/featurehost/host/fault"
)

// Every code of the room is explained once, and its class is what its name
// says.
func TestCodes_Explained(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, d := range Codes() {
		if seen[d.Code] || d.Title == "" || d.Explain == "" {
			t.Errorf("%s is explained badly", d.Code)
		}
		seen[d.Code] = true
	}
	for c, class := range map[fault.Code]fault.Class{
		BadCondition: fault.Usage, MissingColumn: fault.Usage, BadColumn: fault.Usage, BadSetting: fault.Usage,
		ConditionOffStep: fault.Data, TooManyValues: fault.Data, BadValue: fault.Data, TextsTooLong: fault.Data,
	} {
		if !seen[c] || c.Class() != class {
			t.Errorf("%s is explained: %v, class %v", c, seen[c], c.Class())
		}
	}
}
