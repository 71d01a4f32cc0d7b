package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/internal/catalog"
)

// The lock beside the pipeline file holds for plugins of every folder; without
// it, that beside the folder holds.
func TestNew_Locks_ThatOfThePipelineFirst(t *testing.T) {
	dir := t.TempDir()
	poisoned(t, filepath.Join(dir, "shared"))
	folder := filepath.Join(dir, "shared", "plugins")
	x := poisonCase{place: "stage", mode: "good", policy: "skip", batch: 16, workers: 1}
	write(t, dir, map[string]string{"p/events.csv": poisonRows})
	allows := func() error {
		h := opened(t, filepath.Join(dir, "p"), x.pipeline(), host.Options{PluginDirs: []string{folder}})
		_, err := h.Plan(t.Context(), day(t, "", ""))
		return err
	}
	lock := func(path, text string) { write(t, dir, map[string]string{path: text}) }
	l, err := host.LockPlugins("", folder)
	if err != nil || l.Path != filepath.Join(dir, "shared", "plugins.lock") {
		t.Fatal(l, err)
	}
	good, empty := string(l.Text), "version = 1\n"
	for _, c := range []struct {
		pipeline, folder string // texts of the locks, "" for none
		code             fault.Code
	}{
		{"", "", 0}, {"", good, 0}, {good, "", 0}, {"", empty, catalog.NotLocked}, {empty, "", catalog.NotLocked},
		{empty, good, catalog.NotLocked}, {good, empty, 0}, {good, "nonsense", 0},
	} {
		for _, p := range []string{"p/plugins.lock", "shared/plugins.lock"} {
			_ = os.Remove(filepath.Join(dir, p))
		}
		if c.pipeline != "" {
			lock("p/plugins.lock", c.pipeline)
		}
		if c.folder != "" {
			lock("shared/plugins.lock", c.folder)
		}
		err := allows()
		var problems *config.Problems
		switch {
		case c.code == 0 && err != nil:
			t.Errorf("%+v: %v", c, err)
		case c.code != 0 && (!errors.As(err, &problems) || problems.List[0].Fault().Code != c.code || !strings.Contains(err.Error(), "featurehost plugin lock --plugins "+folder)):
			t.Errorf("%+v: %v", c, err)
		}
	}
	lock("p/plugins.lock", "nonsense")
	f, err := config.Load(filepath.Join(dir, "p", "p.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := host.New(f, host.Options{Catalog: everything()}); !fault.Is(err, catalog.BadLock) {
		t.Errorf("a lock of nonsense: %v", err)
	}
}
