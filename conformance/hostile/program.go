package hostile

import (
	"embed"
	"os"
	"path/filepath"

	"github.com/featurehost/featurehost/abi"
)

// Program is a process plugin that does one thing wrong.
type Program struct {
	Name string // of the misdeed
	When When
	Code int // of package abi or abi/cdata, in which it must end; 0 when the host copes and the rows are right
	Or   int // another code it may end in, or 0
	Kind abi.Kind
	// Output is the manifest's output; "" leaves the columns to the program.
	Output string
	// Starts is how folder program starts, Mode how it binds and answers.
	Starts, Mode string
	// Script, of folder scripts, stands in place of folder program.
	Script string
	// MTLS is what the stage asks for.
	MTLS bool
	// Hangs says that nothing but a deadline of the host's ends it, so that whoever
	// runs it may want to lower these.
	Hangs bool

	harm func(folder string) error // done to its folder, once that is laid out
}

//go:embed scripts
var scripts embed.FS

// GoodProgram gives one that does nothing wrong.
func GoodProgram() Program { return Program{Name: "good", Kind: abi.Map} }

// Config is the stage's, by which the program knows its mode.
func (p Program) Config() map[string]any {
	switch {
	case p.Mode == "":
		return map[string]any{}
	case p.When == AtBatch && p.Kind != abi.Keyed, p.When == AfterBatch:
		return map[string]any{"mode": p.Mode + "_on_13"}
	}
	return map[string]any{"mode": p.Mode}
}

// Folder lays out the plugin below a folder that is there, and gives its path.
// built is the path of folder program, built.
func (p Program) Folder(below, built string) (string, error) {
	const name = "hostile"
	dir := filepath.Join(below, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	for file, text := range map[string][]byte{"manifest.json": Manifest(p.Kind, p.Output), "mode": []byte(p.Starts)} {
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o644); err != nil {
			return "", err
		}
	}
	if err := p.program(filepath.Join(dir, name), built); err != nil {
		return "", err
	}
	if p.harm != nil {
		return dir, p.harm(dir)
	}
	return dir, nil
}

func (p Program) program(path, built string) error {
	if p.Script == "" {
		built, err := filepath.Abs(built)
		if err != nil {
			return err
		}
		return os.Symlink(built, path)
	}
	text, err := scripts.ReadFile("scripts/" + p.Script)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o755)
}
