// Package sdktest runs a plugin's function natively, as `go test` does, on
// rows written down in the test. What passes here may still differ in a host:
// it is no substitute for one run of the packed module.
package sdktest

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	sdk "github.com/featurehost/featurehost/pluginsdk/go"
)

// Row is a row by the names of its columns; a missing one is null.
type Row map[string]any

// manifest is what the tests need of a manifest.json.
type manifest struct {
	Input struct {
		Columns []sdk.Field `json:"columns"`
	} `json:"input"`
	Output struct {
		Mode    string      `json:"mode"`
		Columns []sdk.Field `json:"columns"`
	} `json:"output"`
}

// Run opens the plugin with a configuration in JSON, puts rows through it as
// one batch, and gives the rows of its output columns. Defaults of the
// configuration are not filled in: that is the host's work.
//
// The input columns are those of the manifest at path; a static output there
// must be the one that the code declares. Any failure ends the test.
func Run(t testing.TB, p *sdk.Plugin, path, config string, rows ...Row) []Row {
	t.Helper()
	out, err := Try(p, path, config, rows...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Try is Run for tests of what a plugin turns down.
func Try(p *sdk.Plugin, path, config string, rows ...Row) ([]Row, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	table, err := tableOf(m.Input.Columns, rows)
	if err != nil {
		return nil, err
	}
	columns, made, err := p.Run([]byte(config), m.Input.Columns, table)
	if err != nil {
		return nil, err
	}
	if m.Output.Mode == "static" && !slices.Equal(columns, m.Output.Columns) {
		return nil, fmt.Errorf("the code makes %+v, the manifest declares %+v", columns, m.Output.Columns)
	}
	return named(columns, made), nil
}

// tableOf puts the values of rows in the order of the columns.
func tableOf(columns []sdk.Field, rows []Row) ([][]any, error) {
	table := make([][]any, len(rows))
	for i, r := range rows {
		for _, f := range columns {
			table[i] = append(table[i], r[f.Name])
		}
		for name := range r {
			if !slices.ContainsFunc(columns, func(f sdk.Field) bool { return f.Name == name }) {
				return nil, fmt.Errorf("row %d has a column %q, which the manifest does not", i, name)
			}
		}
	}
	return table, nil
}

// named gives rows by the names of their columns.
func named(columns []sdk.Field, rows [][]any) []Row {
	out := make([]Row, len(rows))
	for i, r := range rows {
		out[i] = Row{}
		for c, f := range columns {
			out[i][f.Name] = r[c]
		}
	}
	return out
}
