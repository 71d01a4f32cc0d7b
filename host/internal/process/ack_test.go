package process

import (
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// ABI-P-006: what app_metadata may say.
func TestReadAnswer(t *testing.T) {
	for _, c := range []struct {
		text string
		ack  int64 // -1: none
		code fault.Code
	}{
		{"", -1, 0},
		{"{}", -1, 0},
		{`{"ack":7}`, 7, 0},
		{`{"ack":7,"later":{"x":[1]},"metrics":{"a":0.5},"rejects":[]}`, 7, 0},
		{`{"ack":null}`, -1, 0},
		{`{"ack":1.5}`, 0, abi.CodeAck},
		{`{"ack":9223372036854775808}`, 0, abi.CodeAck},
		{`{"metrics":{"a":"b"}}`, 0, abi.CodeAck},
		{`[]`, 0, abi.CodeAck},
		{"\xff", 0, abi.CodeAck},
		{`{"pad":"` + strings.Repeat("x", maxMetadata) + `"}`, 0, abi.CodeAck},
		{`{"rejects":[{"row":1}]}`, 0, abi.CodeMisuse},
	} {
		a, err := readAnswer([]byte(c.text))
		switch {
		case c.code != 0:
			if !fault.Is(err, c.code) {
				t.Errorf("%.40s: got %v", c.text, err)
			}
		case err != nil, c.ack >= 0 && (a.Ack == nil || *a.Ack != c.ack), c.ack < 0 && a.Ack != nil:
			t.Errorf("%.40s: got %v, %v", c.text, a.Ack, err)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`{"ack":1,"rejects":[{"row":0,"code":1,"message":"m"}],"metrics":{"a":1}}`))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = readAnswer(b) })
}
