package config

// maxBatchRows bounds the rows of a batch: Arrow offsets are 32 bit.
const maxBatchRows = 1 << 20

// maxK bounds the values of one list for the same reason.
const maxK = 1 << 20

// Keys declares the pipeline file: a table with all its keys. Checking, the
// reference page and whatever else must agree with them are made from it.
func Keys() KeyDoc {
	return KeyDoc{Kind: KindTable, Keys: []KeyDoc{
		{Name: "version", Kind: KindInt, Required: true, Doc: "version of the pipeline file's format: 1"},
		{Name: "pipeline", Kind: KindTable, Required: true, Doc: "the pipeline as a whole", Keys: pipelineKeys()},
		{Name: "reader", Kind: KindTables, Required: true, Doc: "where rows enter; several are joined by [query]", By: "type",
			Keys: readerKeys(), Variants: readerVariants()},
		{Name: "query", Kind: KindTable, Doc: "joins the readers; optional with one reader", Keys: []KeyDoc{
			{Name: "sql", Kind: KindString, Required: true, Doc: "one SELECT in DuckDB's dialect; each reader is a view named by its id"},
		}},
		{Name: "stage", Kind: KindTables, Doc: "plugins and built-ins that rows pass, in order", By: "use",
			Keys: stageKeys(), Variants: stageVariants()},
		{Name: "feature_set", Kind: KindTable, Required: true, Doc: "keys, timestamp and features", Keys: featureSetKeys()},
		{Name: "sink", Kind: KindTables, Required: true, Doc: "where features leave: at most one of each type", By: "type",
			Keys: sinkKeys(), Variants: sinkVariants()},
	}}
}

func pipelineKeys() []KeyDoc {
	return []KeyDoc{
		{Name: "name", Kind: KindString, Required: true, Doc: "name of the pipeline: lower-case letters, digits and _"},
		{Name: "state", Kind: KindString, Default: `".featurehost"`, Doc: "folder for caches, the embedded online store and dead letters"},
		{Name: "workers", Kind: KindInt, Min: 1, Max: 4096, Default: "number of processors", Doc: "how many batches are worked on at once"},
		{Name: "memory", Kind: KindSize, Default: `"2GiB"`, Doc: "memory budget of the whole process"},
		{Name: "batch_rows", Kind: KindInt, Min: 1, Max: maxBatchRows, Default: "8192", Doc: "greatest number of rows in a batch"},
	}
}

func readerKeys() []KeyDoc {
	return []KeyDoc{
		{Name: "id", Kind: KindString, Required: true, Doc: "name of the view that [query] sees"},
		{Name: "type", Kind: KindString, Required: true, Values: []string{"file"}, LaterValues: []string{"kafka", "table"}, Doc: "kind of source"},
		{Name: "incremental", Kind: KindTable, Doc: "which day a row belongs to; without it every run reads everything", Keys: []KeyDoc{
			{Name: "column", Kind: KindString, Doc: "date or timestamp column that tells the day"},
			{Name: "mask", Kind: KindString, Doc: "pattern of a text column, as in \"%Y-%m-%d\""},
			{Name: "unit", Kind: KindString, Values: []string{"s", "ms", "us"}, Doc: "unit of a column of numbers since 1970"},
			{Name: "partitions", Kind: KindStrings, Doc: "in place of column: the partition columns of year, month and day"},
		}},
		{Name: "prepare", Kind: KindTables, Doc: "cleaning steps of this reader, in order", By: "use",
			Keys: stageKeys(), Variants: stageVariants()},
		{Name: "on_bad_row", Kind: KindString, Later: true, Doc: "what happens to a malformed row"},
	}
}

func readerVariants() []Variant {
	return []Variant{
		{Value: "file", Keys: []KeyDoc{
			{Name: "path", Kind: KindString, Required: true, Doc: "file, glob or folder, relative to the pipeline file"},
			{Name: "format", Kind: KindString, Required: true, Values: []string{"parquet", "csv", "json"}, LaterValues: []string{"avro"}, Doc: "format of the files; json has one object per line"},
			{Name: "schema", Kind: KindTypes, Doc: "csv and json: columns and their types, in place of guessing"},
			{Name: "csv", Kind: KindTable, Doc: "dialect of csv files; what is not given is found out", Keys: []KeyDoc{
				{Name: "delimiter", Kind: KindString, Doc: "character between fields"},
				{Name: "header", Kind: KindBool, Doc: "whether the first line holds names"},
				{Name: "quote", Kind: KindString, Doc: "character around fields"},
				{Name: "null", Kind: KindString, Doc: "text that stands for null"},
			}},
			{Name: "s3", Kind: KindTable, Later: true, Doc: "endpoint, region and path_style of an S3 store"},
		}},
		{Value: "table", Later: true, Keys: later(
			KeyDoc{Name: "path", Kind: KindString, Doc: "where the table lies"},
			KeyDoc{Name: "format", Kind: KindString, Doc: "format of its files"},
			KeyDoc{Name: "schema", Kind: KindTypes, Doc: "columns and their types"},
			KeyDoc{Name: "s3", Kind: KindTable, Doc: "endpoint, region and path_style of an S3 store"},
			KeyDoc{Name: "hive", Kind: KindTable, Doc: "metastore that knows the table"},
			KeyDoc{Name: "table", Kind: KindString, Doc: "name of the table"},
			KeyDoc{Name: "database", Kind: KindString, Doc: "database of the table"},
		)},
		{Value: "kafka", Later: true, Keys: later(
			KeyDoc{Name: "topic", Kind: KindString, Doc: "topic to read"},
			KeyDoc{Name: "brokers", Kind: KindStrings, Doc: "brokers to ask first"},
			KeyDoc{Name: "from", Kind: KindString, Doc: "where reading starts"},
			KeyDoc{Name: "to", Kind: KindString, Doc: "where reading ends"},
			KeyDoc{Name: "stream", Kind: KindBool, Doc: "whether the run goes on for ever"},
			KeyDoc{Name: "lateness", Kind: KindTime, Doc: "how late a row may come"},
			KeyDoc{Name: "idle_timeout", Kind: KindTime, Doc: "when a silent topic partition no longer holds the watermark"},
			KeyDoc{Name: "advance", Kind: KindString, Doc: "what moves the watermark"},
			KeyDoc{Name: "refresh", Kind: KindTime, Doc: "how often readers beside a stream are read again"},
			KeyDoc{Name: "schema", Kind: KindTypes, Doc: "fields of the value and their types"},
			KeyDoc{Name: "format", Kind: KindString, Doc: "format of the value"},
			KeyDoc{Name: "username", Kind: KindString, Doc: "user for the brokers"},
			KeyDoc{Name: "password", Kind: KindString, Doc: "password for the brokers"},
			KeyDoc{Name: "tls", Kind: KindTable, Doc: "encryption of the connection"},
		)},
	}
}

func stageKeys() []KeyDoc {
	return []KeyDoc{
		{Name: "use", Kind: KindString, Required: true, Doc: "a built-in (filter, replace, forward_fill, pivot, explode_json), or a plugin: NAME or NAME@VERSION"},
	}
}

func stageVariants() []Variant {
	text := func(name, doc string) KeyDoc { return KeyDoc{Name: name, Kind: KindString, Required: true, Doc: doc} }
	return []Variant{
		{Value: "filter", Keys: []KeyDoc{
			{Name: "where", Kind: KindString, Required: true, Doc: "SQL condition; rows for which it is true are kept"},
		}},
		{Value: "replace", Keys: []KeyDoc{
			text("column", "text column to change"),
			{Name: "values", Kind: KindTexts, Required: true, Doc: "old = \"new\"; other values and nulls stay"},
		}},
		{Value: "forward_fill", Keys: []KeyDoc{
			{Name: "partition_by", Kind: KindNames, Default: "all rows are one series", Doc: "columns that tell series apart"},
			{Name: "order_by", Kind: KindNames, Required: true, Doc: "columns that order a series"},
			text("column", "column whose nulls take the last value before them"),
			{Name: "into", Kind: KindString, Default: "column", Doc: "column that takes the result"},
		}},
		{Value: "pivot", Keys: []KeyDoc{
			{Name: "group_by", Kind: KindNames, Required: true, Doc: "columns of a group: one row for each"},
			text("column", "column whose values become columns"),
			text("value", "column that is aggregated"),
			{Name: "aggregation", Kind: KindFunctions, Required: true, Doc: "the aggregate function"},
			{Name: "values", Kind: KindValues, Default: "those found in the data", Doc: "the values that become columns, in order"},
			{Name: "mock", Kind: KindValue, Default: "false", Doc: "with forward_fill: a null in value is a value, which is not filled; any marker means true, for none is seen in the rows"},
			{Name: "forward_fill", Kind: KindBool, Default: "false", Doc: "whether gaps are filled, in the order of the last column of group_by"},
		}},
		{Value: "explode_json", Keys: []KeyDoc{
			text("column", "column with JSON text"),
			{Name: "schema", Kind: KindFields, Required: true, Doc: "fields and their types: each becomes a column; a dot descends, a table in place of a type is a struct"},
		}},
		{Value: "", Keys: []KeyDoc{
			{Name: "config", Kind: KindFree, Doc: "settings of the plugin, checked by its own manifest"},
			{Name: "limits", Kind: KindTable, Doc: "caps on the plugin", Keys: []KeyDoc{
				{Name: "memory", Kind: KindSize, Doc: "greatest memory of one instance"},
				{Name: "output_ratio", Kind: KindFloat, Doc: "most bytes out per byte in, 64 MiB aside"},
				{Name: "max_batch_rows", Kind: KindInt, Min: 1, Max: maxBatchRows, Doc: "greatest number of rows in a batch it is given"},
				{Name: "log_lines", Kind: KindInt, Min: 1, Max: 1 << 30, Doc: "most lines it may log per second"},
				{Name: "fuel_base", Kind: KindInt, Later: true, Doc: "fuel for each call"},
				{Name: "fuel_per_row", Kind: KindInt, Later: true, Doc: "fuel for each row"},
				{Name: "timeout", Kind: KindString, Later: true, Doc: "greatest time of a call"},
			}},
			{Name: "on_error", Kind: KindString, Default: `"fail"`, Values: []string{"fail"}, LaterValues: []string{"dead_letter", "skip"}, Doc: "what happens to rows the plugin fails on"},
			{Name: "circuit", Kind: KindTable, Later: true, Doc: "when repeated failures stop the stage"},
		}},
	}
}

func featureSetKeys() []KeyDoc {
	return []KeyDoc{
		{Name: "name", Kind: KindString, Required: true, Doc: "name of the set and its table: lower-case letters, digits and _"},
		{Name: "entity", Kind: KindString, Required: true, Doc: "the thing described: lower-case letters, digits and _"},
		{Name: "description", Kind: KindString, Doc: "for people"},
		{Name: "semantics", Kind: KindString, Default: `"featurehost"`, Values: []string{"featurehost", "butterfree"}, Doc: "rules of computing; butterfree gives the original's results, quirk by quirk"},
		{Name: "keys", Kind: KindTables, Required: true, Doc: "the columns that name one instance of the entity", Keys: append([]KeyDoc{
			{Name: "name", Kind: KindString, Required: true, Doc: "name of the key column"},
			{Name: "type", Kind: KindType, Required: true, Doc: "type of the key column"},
			{Name: "from", Kind: KindString, Default: "name", Doc: "source column"},
			{Name: "description", Kind: KindString, Doc: "for people"},
		}, placeKeys()...)},
		{Name: "timestamp", Kind: KindTable, Doc: "how the event time is read", Keys: []KeyDoc{
			{Name: "from", Kind: KindString, Default: `"timestamp"`, Doc: "source column"},
			{Name: "unit", Kind: KindString, Values: []string{"s", "ms", "us"}, Doc: "unit of a column of numbers since 1970"},
			{Name: "mask", Kind: KindString, Doc: "pattern of a text column, as in \"%Y-%m-%dT%H:%M:%SZ\""},
		}},
		{Name: "windows", Kind: KindTable, Doc: "rolling windows of an aggregated set", Keys: []KeyDoc{
			{Name: "rolling", Kind: KindTimes, Required: true, Doc: "lengths of the windows"},
			{Name: "slide", Kind: KindTime, Default: `"1 day"`, Doc: "distance between the ends of windows"},
			{Name: "rows", Kind: KindString, Values: []string{"with_data"}, Doc: "with_data leaves out ends at which no window has an event"},
			{Name: "zone", Kind: KindString, Default: `"UTC"`, Doc: "time zone of days, weeks, months and years, as in \"America/Sao_Paulo\""},
		}},
		{Name: "deduplicate_rows", Kind: KindBool, Default: "true", Doc: "drop a row whose features equal those of the key's row before it"},
		{Name: "null_keys", Kind: KindString, Values: []string{"keep"}, Doc: "keep rows with a null in a key, in place of rejecting them"},
		{Name: "order", Kind: KindTable, Doc: "columns that order rows of equal timestamp", Keys: []KeyDoc{
			{Name: "arrival", Kind: KindString, Doc: "column that tells when a row became known"},
			{Name: "sequence", Kind: KindString, Doc: "column that counts rows"},
		}},
		{Name: "feature", Kind: KindTables, Doc: "a feature; a plain set may have none", Keys: featureKeys()},
		{Name: "pivot", Kind: KindTable, Doc: "aggregates for each value of a column, in an aggregated set", Keys: []KeyDoc{
			{Name: "column", Kind: KindString, Required: true, Doc: "column whose values tell aggregates apart"},
			{Name: "values", Kind: KindValues, Required: true, Doc: "the values, in the order of their columns"},
		}},
		{Name: "distinct", Kind: KindTable, Doc: "one row of each tuple of values, before aggregation, in an aggregated set", Keys: []KeyDoc{
			{Name: "subset", Kind: KindNames, Required: true, Doc: "columns of the tuple"},
			{Name: "keep", Kind: KindString, Default: `"last"`, Values: []string{"last", "first"}, Doc: "which row of a tuple stays"},
		}},
		{Name: "emit", Kind: KindString, Later: true, Doc: "streams: when a row is written"},
		{Name: "publish_every", Kind: KindTime, Later: true, Doc: "streams: how often history is published"},
	}
}

// placeKeys are the keys that a key column and a feature share: H3 cells, and
// columns that become rows.
func placeKeys() []KeyDoc {
	return []KeyDoc{
		{Name: "h3", Kind: KindTable, Doc: "H3 cells of a place, as columns lat_lng__h3_hash__{resolution}", Keys: []KeyDoc{
			{Name: "lat", Kind: KindString, Required: true, Doc: "column of latitudes, in degrees"},
			{Name: "lng", Kind: KindString, Required: true, Doc: "column of longitudes, in degrees"},
			{Name: "resolutions", Kind: KindInts, Min: 0, Max: 15, Required: true, Doc: "sizes of the cells, 15 the finest"},
			{Name: "stack", Kind: KindBool, Default: "false", Doc: "one row for each cell, in a column of the own name"},
		}},
		{Name: "stack", Kind: KindNames, Doc: "columns that become one row each: names, or patterns such as \"id_*\" and \"!id_*\""},
		{Name: "regex", Kind: KindBool, Default: "false", Doc: "stack holds regular expressions, matched from the start of a name"},
	}
}

func featureKeys() []KeyDoc {
	return append([]KeyDoc{
		{Name: "name", Kind: KindString, Required: true, Doc: "name of the feature"},
		{Name: "from", Kind: KindString, Default: "name", Doc: "source column"},
		{Name: "type", Kind: KindType, Doc: "type of a plain feature; required for a copy of a column"},
		{Name: "sql", Kind: KindString, Doc: "row-wise SQL expression, in place of from"},
		{Name: "aggregate", Kind: KindFunctions, Doc: "aggregate functions; makes the set an aggregated one"},
		{Name: "where", Kind: KindString, Doc: "with aggregate: SQL condition for the rows that are aggregated"},
		{Name: "function", Kind: KindFunctions, Doc: "functions of a plain feature: of one value (abs, cos, upper), or, with window, aggregate functions"},
		{Name: "window", Kind: KindTable, Doc: "windows that end at each row of a plain set; one of fixed and rows", Keys: []KeyDoc{
			{Name: "fixed", Kind: KindTimes, Doc: "lengths of time"},
			{Name: "rows", Kind: KindRows, Doc: "numbers of rows, the present one among them"},
			{Name: "partition_by", Kind: KindNames, Default: "the keys", Doc: "columns whose rows share windows"},
			{Name: "order_by", Kind: KindString, Default: `"timestamp"`, Doc: "column of times or numbers that orders rows; numbers count in seconds"},
			{Name: "bounds", Kind: KindString, Default: `"(]"; butterfree: "[]"`, Values: []string{"(]", "[]", "[)", "()"}, Doc: "fixed windows: which ends are in"},
		}},
		{Name: "on_overflow", Kind: KindString, Default: "the run fails", Values: []string{"null"}, Doc: "with aggregate or function: null where a whole number or decimal does not fit"},
		{Name: "use", Kind: KindString, Doc: "plugin that computes the feature: its column of the feature's name"},
		{Name: "config", Kind: KindFree, Doc: "with use: settings of the plugin"},
		{Name: "description", Kind: KindString, Doc: "for people"},
	}, placeKeys()...)
}

// functionKeys are the keys of a function written as a table.
func functionKeys() []KeyDoc {
	return []KeyDoc{
		{Name: "function", Kind: KindString, Required: true, Doc: "name of the function"},
		{Name: "type", Kind: KindType, Default: "that of the function", Doc: "type the result is cast to"},
		{Name: "p", Kind: KindFloat, Doc: "percentile: which part of the values lies below, 0 to 1"},
		{Name: "k", Kind: KindInt, Min: 1, Max: maxK, Doc: "top_k, bottom_k, first_k, last_k: how many values"},
		{Name: "rsd", Kind: KindFloat, Default: "0.05", Doc: "approx_count_distinct: relative standard deviation, 0.0022 to 0.39"},
	}
}

func sinkKeys() []KeyDoc {
	return []KeyDoc{
		{Name: "type", Kind: KindString, Required: true, Values: []string{"historical", "online"}, Doc: "every value over time, or the newest row of each key"},
		{Name: "stage", Kind: KindTables, Later: true, Doc: "stages for this sink only"},
	}
}

func sinkVariants() []Variant {
	return []Variant{
		{Value: "historical", Keys: []KeyDoc{
			{Name: "path", Kind: KindString, Required: true, Doc: "root of the store; tables lie in {path}/historical/{entity}/{name}"},
			{Name: "layout", Kind: KindString, Default: `"partitioned"`, Values: []string{"partitioned", "flat"}, Doc: "folders year=/month=/day=, or one folder"},
			{Name: "allow_empty", Kind: KindBool, Default: "false", Doc: "let a full run without rows empty the table"},
			{Name: "validation_threshold", Kind: KindFloat, Default: "0; butterfree: 0.01", Doc: "butterfree: part of the rows that may be missing when the table is checked"},
			{Name: "hive", Kind: KindTable, Later: true, Doc: "metastore that is told of the partitions"},
			{Name: "s3", Kind: KindTable, Later: true, Doc: "endpoint, region and path_style of an S3 store"},
		}},
		{Value: "online", Keys: []KeyDoc{
			{Name: "store", Kind: KindString, Default: `"local"`, Values: []string{"local"}, LaterValues: []string{"cassandra", "kafka"}, Doc: "the embedded store, or a server"},
			{Name: "path", Kind: KindString, Default: "a file in state", Doc: "database file of the embedded store"},
			{Name: "hosts", Kind: KindStrings, Later: true, Doc: "servers to ask first"},
			{Name: "keyspace", Kind: KindString, Later: true, Doc: "keyspace of the table"},
			{Name: "username", Kind: KindString, Later: true, Doc: "user for the server"},
			{Name: "password", Kind: KindString, Later: true, Doc: "password for the server"},
			{Name: "credentials", Kind: KindTable, Later: true, Doc: "user and password for the server"},
			{Name: "consistency", Kind: KindString, Later: true, Doc: "how many replicas must answer"},
			{Name: "tls", Kind: KindTable, Later: true, Doc: "encryption of the connection"},
			{Name: "topic", Kind: KindString, Later: true, Doc: "topic to write"},
			{Name: "brokers", Kind: KindStrings, Later: true, Doc: "brokers to ask first"},
			{Name: "ttl", Kind: KindTime, Later: true, Doc: "how long a value is visible"},
			{Name: "write_to_entity", Kind: KindBool, Later: true, Doc: "write into the table of the entity"},
		}},
	}
}
