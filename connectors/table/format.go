package table

import (
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/host/fault"
)

// useSQL is the hint of what only Hive can read.
const useSQL = `ask HiveServer2 with sql = "SELECT ...", or write the table as Parquet`

// checkKind refuses tables whose rows are not those of their files (T3).
func checkKind(t *hm.Table) error {
	name := t.DbName + "." + t.TableName
	if strings.HasSuffix(t.TableType, "VIEW") {
		return fault.New(NotReadable, "%q is a view", name).WithHint(`ask HiveServer2 with sql = "SELECT * FROM %s"`, name)
	}
	if strings.EqualFold(t.Parameters["transactional"], "true") {
		return fault.New(NotReadable, "%q is an ACID table: its files hold changes, not rows", name).WithHint(useSQL)
	}
	if h := t.Parameters["storage_handler"]; h != "" {
		return fault.New(NotReadable, "%q is kept by %s", name, h).WithHint(useSQL)
	}
	if k := t.Parameters["table_type"]; strings.EqualFold(k, "ICEBERG") {
		return fault.New(NotReadable, "%q is an Iceberg table", name).WithHint(useSQL)
	}
	if p := strings.ToLower(t.Parameters["spark.sql.sources.provider"]); p == "delta" || p == "iceberg" || p == "hudi" {
		return fault.New(NotReadable, "%q is a table of %s", name, p).WithHint(useSQL)
	}
	return nil
}

// formatOf says how the files at a storage descriptor are read; text is not nil
// for Hive's own text files.
func formatOf(t *hm.Table, sd *hm.StorageDescriptor) (cfg config.Reader, text *textFormat, err error) {
	name := t.DbName + "." + t.TableName
	if sd.SerdeInfo == nil {
		return cfg, nil, fault.New(FormatUnknown, "%q has no format", name).WithHint(useSQL)
	}
	lib := sd.SerdeInfo.SerializationLib
	switch class := lib[strings.LastIndexByte(lib, '.')+1:]; class {
	case "ParquetHiveSerDe":
		return config.Reader{Format: "parquet"}, nil, nil
	case "AvroSerDe":
		return config.Reader{Format: "avro"}, nil, nil
	case "LazySimpleSerDe":
		return delimited(t, sd)
	case "OrcSerde":
		return cfg, nil, fault.New(FormatUnknown, "%q is stored as ORC, which is not read", name).WithHint(useSQL)
	case "JsonSerDe":
		return cfg, nil, fault.New(FormatUnknown, "%q is stored as JSON, whose names Hive compares without case", name).
			WithHint(`read its files with type = "file", format = "json" and a schema, or ask HiveServer2 with sql`)
	default:
		return cfg, nil, fault.New(FormatUnknown, "%q is stored in a format that is not read: %s", name, lib).WithHint(useSQL)
	}
}

// delimited is the format of Hive's own text files: no quotes, \N for null.
func delimited(t *hm.Table, sd *hm.StorageDescriptor) (cfg config.Reader, text *textFormat, err error) {
	name := t.DbName + "." + t.TableName
	refuse := func(format string, args ...any) error {
		return fault.New(FormatUnknown, "%q is "+format, append([]any{name}, args...)...).WithHint(useSQL)
	}
	if sd.InputFormat != "org.apache.hadoop.mapred.TextInputFormat" {
		return cfg, nil, refuse("stored in %s, which is not read", sd.InputFormat)
	}
	option := func(key, byDefault string) string {
		for _, m := range []map[string]string{sd.SerdeInfo.Parameters, t.Parameters} {
			if v, ok := m[key]; ok {
				return v
			}
		}
		return byDefault
	}
	for key, only := range map[string]string{"escape.delim": "", "line.delim": "\n", "serialization.encoding": "UTF-8", "skip.footer.line.count": "0",
		"serialization.last.column.takes.rest": "false"} {
		if v := option(key, only); !strings.EqualFold(v, only) {
			return cfg, nil, refuse("text with %s = %q, which is not read", key, v)
		}
	}
	text = &textFormat{null: option("serialization.null.format", `\N`)}
	delimiter := option("field.delim", option("serialization.format", "\x01"))
	if n, err := strconv.ParseInt(delimiter, 10, 8); err == nil && n > 0 { // the number of a character
		delimiter = string(rune(n))
	}
	if len(delimiter) != 1 || delimiter[0] >= 0x80 || delimiter == "0" {
		return cfg, nil, refuse("text with the delimiter %q, which is not one character of ASCII", delimiter)
	}
	text.delimiter = delimiter[0]
	// Hive knows no quotes there: what has to be quoted for the SQL engine is so
	// with a character that texts hardly ever have.
	for _, text.quote = range []byte{0x1f, 0x1e, 0x1d} {
		if text.quote != text.delimiter && strings.IndexByte(text.null, text.quote) < 0 {
			break
		}
	}
	header := option("skip.header.line.count", "0")
	if text.header, err = strconv.Atoi(header); err != nil || text.header < 0 {
		return cfg, nil, refuse("text with %q lines of header", header)
	}
	no := false
	cfg.Format, cfg.CSV = "csv", config.CSV{Delimiter: delimiter, Quote: string(text.quote), Null: text.null, Header: &no}
	if cfg.Schema, err = text.columns(t, sd); err != nil {
		return cfg, nil, err
	}
	return cfg, text, nil
}

// columns finds the place of each column in the files, and gives those that are
// read. A partition that is older than a column does not have it, whatever its
// files hold.
func (t *textFormat) columns(table *hm.Table, sd *hm.StorageDescriptor) (kept []config.Column, err error) {
	all := table.Sd.Cols
	if n := len(sd.Cols); n > 0 && n < len(all) {
		all = all[:n]
	}
	for _, c := range all {
		typ, ok := hive.ArrowOf(c.Type)
		if ok && (typ.ID() == arrow.LIST || typ.ID() == arrow.BINARY) {
			return nil, fault.New(TypeNotReadable, "%q is text, and its column %q is of type %s", table.DbName+"."+table.TableName, c.Name, schema.TypeName(typ)).WithHint(useSQL)
		}
		t.fields = append(t.fields, textField{kept: ok, text: ok && typ.ID() == arrow.STRING})
		if ok {
			kept = append(kept, config.Column{Name: c.Name, Type: schema.TypeName(typ)})
		}
	}
	t.whole = len(kept) == len(all)
	if len(kept) == 0 && len(all) > 0 { // the rows are still there to be counted
		t.fields[0] = textField{kept: true, text: true}
		kept = []config.Column{{Name: all[0].Name, Type: "string"}}
	}
	return kept, nil
}

// placeOf gives the place of a partition's or a table's files.
func placeOf(what, location string) (string, error) {
	p, err := hive.LocationOf(location)
	if err != nil {
		if f := fault.As(err); f != nil && f.Place == "" {
			f.Place = what
		}
	}
	return p, err
}
