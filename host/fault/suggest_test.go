package fault_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/featurehost/featurehost/host/fault"
)

func TestSuggest_Typos_NearestName(t *testing.T) {
	names := []string{"where", "when", "format", "timestamp", "timestamp_ntz", "id", "Carrier"}
	for got, want := range map[string]string{
		"wehre": "where", "Where": "where", "wen": "when", "formt": "format", "timsetamp": "timestamp", "timestamp_nzt": "timestamp_ntz",
		"": "", "banana": "", "x": "", "i": "", "ix": "id", "di": "id", "idididid": "",
		"tmstmp": "timestamp", "tmstp": "", "carrier": "Carrier", "timestamp_xxx": "timestamp_ntz", "timestampxxxx": "",
	} {
		if s := fault.Suggest(got, names); s != want {
			t.Errorf("%q suggests %q, want %q", got, s, want)
		}
	}
	if s := fault.Suggest("cat", []string{"hat", "bat", "rat"}); s != "bat" {
		t.Errorf("of equals %q is taken", s)
	}
	if s := fault.Suggest("lng", []string{"n", "g"}); s != "" {
		t.Errorf("of %q nearly nothing is right", s)
	}
	if s := fault.Suggest("cat", nil); s != "" {
		t.Error(s)
	}
}

// The answer does not depend on the order of the candidates, is one of them,
// and is the name itself when that is there.
func TestSuggest_AnyOrder_SameAnswer(t *testing.T) {
	word := rapid.StringMatching("[abcAB_]{0,7}")
	rapid.Check(t, func(rt *rapid.T) {
		got := word.Draw(rt, "got")
		names := rapid.SliceOfN(word, 0, 8).Draw(rt, "names")
		first := fault.Suggest(got, names)
		if again := fault.Suggest(got, rapid.Permutation(names).Draw(rt, "order")); again != first {
			rt.Fatalf("%q, then %q", first, again)
		}
		there := first == ""
		for _, n := range names {
			there = there || n == first
			if strings.EqualFold(n, got) && !strings.EqualFold(first, got) {
				rt.Fatalf("%q is there and %q suggested", n, first)
			}
		}
		if !there {
			rt.Fatalf("%q is no candidate", first)
		}
	})
}

// One slip of the pen in a word of three letters or more is seen, whichever
// it is.
func TestSuggest_OneSlip_Seen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		word := rapid.StringMatching("[a-e]{3,9}").Draw(rt, "word")
		at := rapid.IntRange(0, len(word)-2).Draw(rt, "at")
		slips := []string{
			word[:at] + word[at+1:],
			word[:at] + "x" + word[at:],
			word[:at] + "x" + word[at+1:],
			word[:at] + word[at+1:at+2] + word[at:at+1] + word[at+2:],
		}
		for _, slip := range slips {
			if got := fault.Suggest(slip, []string{word, "zzzzzzzzz"}); got != word {
				rt.Fatalf("%q does not suggest %q but %q", slip, word, got)
			}
		}
	})
}
