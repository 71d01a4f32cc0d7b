package online

import (
	"path/filepath"
	"strings"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/parts"
)

// database gives the absolute path of the SQLite file.
func database(cfg config.Sink, at parts.Place) (string, error) {
	if cfg.Store != "" && cfg.Store != "local" {
		return "", fault.New(BadPlace, "store %q is unknown: this version has \"local\"", cfg.Store).At("[[sink]] online")
	}
	switch {
	case strings.Contains(cfg.Path, "://"):
		return "", fault.New(BadPlace, "path %q is no local file", cfg.Path).At("[[sink]] online").
			WithHint("write a file name, for example path = \"online.db\"")
	case cfg.Path == "":
		return filepath.Join(at.State, "online.db"), nil
	case filepath.IsAbs(cfg.Path):
		return cfg.Path, nil
	}
	return filepath.Abs(filepath.Join(at.Dir, cfg.Path))
}

// tableName names the table of a feature set.
func tableName(entity, set string) string { return entity + "__" + set }

// quote makes an SQL identifier of any name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
