package sdktest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/featurehost/featurehost/pluginsdk/go"
)

func double(_ *struct{}, in sdk.Batch, out *sdk.Builder) error {
	x, y := in.Int64("x"), out.Int64("y")
	for i, v := range x.Values() {
		if x.IsNull(i) {
			y.SetNull(i)
		} else {
			y.Set(i, 2*v)
		}
	}
	return nil
}

func TestRun_ByManifest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.json")
	write := func(nullable string) {
		m := `{"input":{"columns":[{"name":"x","type":"int64","nullable":true}]},"output":{"mode":"static","columns":[{"name":"y","type":"int64","nullable":` + nullable + `}]}}`
		if err := os.WriteFile(path, []byte(m), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := sdk.Map(double, sdk.Field{Name: "y", Type: "int64", Nullable: true})
	write("true")
	got := Run(t, p, path, "{}", Row{"x": 2}, Row{})
	if got[0]["y"] != int64(4) || got[1]["y"] != nil {
		t.Errorf("got %v", got)
	}
	for says, try := range map[string]func() error{
		"which the manifest does not": func() error { _, err := Try(p, path, "{}", Row{"z": 1}); return err },
		"does not fit":                func() error { _, err := Try(p, path, "{}", Row{"x": 1.5}); return err },
		"no such file":                func() error { _, err := Try(p, "nowhere.json", "{}"); return err },
		"the manifest declares":       func() error { write("false"); _, err := Try(p, path, "{}"); return err },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
		write("true")
	}
}
