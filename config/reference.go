package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteReference writes the reference page of the pipeline file: every key
// with its type, default and meaning, and whether it is built.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# The pipeline file

A pipeline is one TOML file. This page lists every key, made from the table that the reader itself checks against
(` + "`config/keys.go`" + `); do not edit it by hand.

- Unknown keys, wrong types and missing keys are all reported at once, as ` + "`file:line:col: CODE: message`" + `.
- ` + "`${NAME}`" + ` and ` + "`${NAME:-default}`" + ` inside a string read the environment; the default holds when the variable is unset or
  empty, and ` + "`$${`" + ` is a literal ` + "`${`" + `. Values that come in so are never printed.
- Where the default of a key names a variable and the file is silent, its value is taken; one that is missing is an
  error that names it. ` + "`featurehost plan`" + ` shows where each setting came from.
- Passwords are never printed, wherever they come from. Credentials of AWS are never in the file.
- Relative paths start from the folder of the pipeline file.
- A length of time is a whole number and second(s), minute(s), hour(s), day(s), week(s), month(s) or year(s): ` + "`\"7 days\"`" + `.
  A short time, as ` + "`timeout`" + ` takes, is a number and ms, s, m or h without a space: ` + "`\"500ms\"`, `\"2s\"`, `\"1m\"`" + `.
- A size is a number and KiB, MiB, GiB (or kB, MB, GB): ` + "`\"512MiB\"`" + `.
- A key that is *not yet built* is refused with FH-0110.
`)
	section(&b, "Top level", "", Keys())
	section(&b, "A function", "", KeyDoc{Keys: functionKeys(),
		Doc: "where a function is asked for, its name will do; with settings it is a table, as in `{ function = \"percentile\", p = 0.95 }`"})
	fmt.Fprintf(&b, "\nAggregate functions, in any case: %s.\n", names(AggregateFunctions()))
	_, err := io.WriteString(w, b.String())
	return err
}

// section writes the table of one TOML table, then those below it.
func section(b *strings.Builder, title, path string, doc KeyDoc) {
	fmt.Fprintf(b, "\n## %s\n\n", title)
	if doc.Doc != "" {
		fmt.Fprintf(b, "%s.\n\n", strings.ToUpper(doc.Doc[:1])+doc.Doc[1:])
	}
	rows(b, doc.Keys)
	for _, v := range doc.Variants {
		name := fmt.Sprintf("`%s = %q`", doc.By, v.Value)
		if v.Value == "" {
			name = fmt.Sprintf("any other `%s`: a plugin", doc.By)
		}
		if v.Later {
			name += " (not yet built)"
		}
		fmt.Fprintf(b, "\nWith %s:\n\n", name)
		rows(b, v.Keys)
	}
	for _, k := range doc.allKeys() {
		below := strings.TrimPrefix(path+"."+k.Name, ".")
		switch {
		case k.Later:
		case k.Kind == KindTables:
			section(b, "`[["+below+"]]`", below, k)
		case k.Kind == KindTable:
			section(b, "`["+below+"]`", below, k)
		}
	}
}

func names(list []string) string { return "`" + strings.Join(list, "`, `") + "`" }

func rows(b *strings.Builder, keys []KeyDoc) {
	b.WriteString("| key | type | default | meaning |\n|-|-|-|-|\n")
	for _, k := range keys {
		byDefault := k.Default
		switch {
		case k.Required:
			byDefault = "required"
		case byDefault == "true" || byDefault == "false" || strings.ContainsAny(byDefault[:min(1, len(byDefault))], "\"0123456789"):
			byDefault = "`" + byDefault + "`"
		}
		doc := k.Doc
		if k.Later {
			doc += " (**not yet built**)"
		}
		if len(k.Values) > 0 {
			doc += ": " + names(k.Values)
		}
		if len(k.LaterValues) > 0 {
			doc += "; not yet built: " + names(k.LaterValues)
		}
		kind := k.Kind.String()
		switch {
		case k.Max == 0:
		case k.Kind == KindSize:
			kind += fmt.Sprintf(", %s to %s", ByteSize(k.Min), ByteSize(k.Max))
		default: // whole numbers, alone or in a list
			kind += fmt.Sprintf(", %d to %d", k.Min, k.Max)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Name, strings.ReplaceAll(kind, "|", "\\|"), byDefault, strings.ReplaceAll(doc, "|", "\\|"))
	}
}
