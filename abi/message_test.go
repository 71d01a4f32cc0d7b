package abi

import (
	"fmt"
	"strings"
	"testing"
)

// ABI-P-007: max_message_bytes of a process plugin.
func TestManifest_MaxMessageBytes(t *testing.T) {
	const text = `{"abi":"1.0","name":"p","version":"1.0.0","kind":"map","input":{"columns":[]},"output":{"mode":"init"},
		"config_schema":{"type":"object"},"stateful":false,"deterministic":true%s}`
	for more, want := range map[string]int64{"": 0, `,"max_message_bytes":65536`: 65536, `,"max_message_bytes":67108864`: MaxMessage} {
		m, err := ParseManifest(fmt.Appendf(nil, text, more))
		if err != nil || m.MaxMessageBytes != want {
			t.Errorf("%q: got %+v, %v", more, m, err)
		}
	}
	for _, bad := range []string{"0", "-1", "65535", "1073741825", "1.5", `"4MiB"`, "null"} {
		_, err := ParseManifest(fmt.Appendf(nil, text, `,"max_message_bytes":`+bad))
		if CodeOf(err) != CodeManifest || !strings.Contains(err.Error(), "max_message_bytes") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}
