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

// formatOf says how the files at a storage descriptor are read. columns are
// those of the files.
func formatOf(t *hm.Table, sd *hm.StorageDescriptor, columns []arrow.Field) (cfg config.Reader, err error) {
	name := t.DbName + "." + t.TableName
	if sd.SerdeInfo == nil {
		return cfg, fault.New(FormatUnknown, "%q has no format", name).WithHint(useSQL)
	}
	lib := sd.SerdeInfo.SerializationLib
	switch class := lib[strings.LastIndexByte(lib, '.')+1:]; class {
	case "ParquetHiveSerDe":
		return config.Reader{Format: "parquet"}, nil
	case "AvroSerDe":
		return config.Reader{Format: "avro"}, nil
	case "LazySimpleSerDe":
		return delimited(t, sd, columns)
	case "OrcSerde":
		return cfg, fault.New(FormatUnknown, "%q is stored as ORC, which is not read", name).WithHint(useSQL)
	case "JsonSerDe":
		return cfg, fault.New(FormatUnknown, "%q is stored as JSON, whose names Hive compares without case", name).
			WithHint(`read its files with type = "file", format = "json" and a schema, or ask HiveServer2 with sql`)
	default:
		return cfg, fault.New(FormatUnknown, "%q is stored in a format that is not read: %s", name, lib).WithHint(useSQL)
	}
}

// delimited is the format of Hive's own text files: no quotes, \N for null.
func delimited(t *hm.Table, sd *hm.StorageDescriptor, columns []arrow.Field) (cfg config.Reader, err error) {
	name := t.DbName + "." + t.TableName
	if sd.InputFormat != "org.apache.hadoop.mapred.TextInputFormat" {
		return cfg, fault.New(FormatUnknown, "%q is stored in %s, which is not read", name, sd.InputFormat).WithHint(useSQL)
	}
	option := func(key, byDefault string) string {
		for _, m := range []map[string]string{sd.SerdeInfo.Parameters, t.Parameters} {
			if v, ok := m[key]; ok {
				return v
			}
		}
		return byDefault
	}
	for key, only := range map[string]string{"escape.delim": "", "line.delim": "\n", "serialization.encoding": "UTF-8", "skip.footer.line.count": "0"} {
		if v := option(key, only); !strings.EqualFold(v, only) {
			return cfg, fault.New(FormatUnknown, "%q is text with %s = %q, which is not read", name, key, v).WithHint(useSQL)
		}
	}
	cfg.Format = "csv"
	cfg.CSV.Null = option("serialization.null.format", `\N`)
	cfg.CSV.Delimiter = option("field.delim", "\x01")
	if n, err := strconv.ParseInt(cfg.CSV.Delimiter, 10, 8); err == nil && n > 0 { // the number of a character
		cfg.CSV.Delimiter = string(rune(n))
	}
	if len([]rune(cfg.CSV.Delimiter)) != 1 {
		return cfg, fault.New(FormatUnknown, "%q is text with the delimiter %q, which is not one character", name, cfg.CSV.Delimiter).WithHint(useSQL)
	}
	// Hive knows no quotes there: a character that no text has stands for them.
	cfg.CSV.Quote = "\x1f"
	if cfg.CSV.Delimiter == cfg.CSV.Quote {
		cfg.CSV.Quote = "\x1e"
	}
	var header bool
	switch n := option("skip.header.line.count", "0"); n {
	case "0":
	case "1":
		header = true
	default:
		return cfg, fault.New(FormatUnknown, "%q is text with %s lines of header: at most one is read", name, n).WithHint(useSQL)
	}
	cfg.CSV.Header = &header
	for _, c := range columns {
		if c.Type.ID() == arrow.LIST || c.Type.ID() == arrow.BINARY {
			return cfg, fault.New(TypeNotReadable, "%q is text, and its column %q is of type %s", name, c.Name, schema.TypeName(c.Type)).WithHint(useSQL)
		}
		cfg.Schema = append(cfg.Schema, config.Column{Name: c.Name, Type: schema.TypeName(c.Type)})
	}
	return cfg, nil
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
