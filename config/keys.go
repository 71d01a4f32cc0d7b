package config

import "github.com/featurehost/featurehost/abi"

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
		{Name: "sink", Kind: KindTables, Required: true, Doc: "where features leave: at most one historical sink, and any number of online ones", By: "type",
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
		{Name: "type", Kind: KindString, Required: true, Values: []string{"file", "table", "kafka"}, Doc: "kind of source"},
		{Name: "incremental", Kind: KindTable, Doc: "which day a row belongs to; without it every run reads everything", Keys: []KeyDoc{
			{Name: "column", Kind: KindString, Doc: "date or timestamp column that tells the day"},
			{Name: "mask", Kind: KindString, Doc: "pattern of a text column, as in \"%Y-%m-%d\""},
			{Name: "unit", Kind: KindString, Values: []string{"s", "ms", "us"}, Doc: "unit of a column of numbers since 1970"},
			{Name: "partitions", Kind: KindStrings, Doc: "in place of column: the partition columns of year, month and day"},
		}},
		{Name: "prepare", Kind: KindTables, Doc: "cleaning steps of this reader, in order", By: "use",
			Keys: stageKeys(), Variants: stageVariants()},
		{Name: "on_bad_row", Kind: KindString, Default: `"fail"; kafka: "dead_letter"`, Values: []string{"fail", "dead_letter"}, Doc: "what happens to a malformed row"},
	}
}

func readerVariants() []Variant {
	return []Variant{
		{Value: "file", Keys: []KeyDoc{
			{Name: "path", Kind: KindString, Required: true, Doc: "file, glob or folder, relative to the pipeline file, or s3://bucket/key"},
			{Name: "format", Kind: KindString, Required: true, Values: []string{"parquet", "csv", "json", "avro"}, Doc: "format of the files; json has one object per line"},
			{Name: "schema", Kind: KindTypes, Doc: "csv and json: columns and their types, in place of guessing"},
			{Name: "csv", Kind: KindTable, Doc: "dialect of csv files; what is not given is found out", Keys: []KeyDoc{
				{Name: "delimiter", Kind: KindString, Doc: "character between fields"},
				{Name: "header", Kind: KindBool, Doc: "whether the first line holds names"},
				{Name: "quote", Kind: KindString, Doc: "character around fields"},
				{Name: "null", Kind: KindString, Doc: "text that stands for null"},
			}},
			s3Key(),
		}},
		{Value: "table", Keys: []KeyDoc{
			hiveKey("the metastore that knows the table", true),
			{Name: "table", Kind: KindString, Doc: "name of the table; one of table and sql"},
			{Name: "where", Kind: KindString, Default: "all partitions", Doc: "with table: SQL condition on partition columns"},
			{Name: "sql", Kind: KindString, Doc: "a SELECT that HiveServer2 runs"},
			s3Key(),
		}},
		{Value: "kafka", Keys: append(kafkaKeys("", ""), []KeyDoc{
			{Name: "topic", Kind: KindString, Required: true, Doc: "topic to read"},
			{Name: "from", Kind: KindString, Default: `"first"`, Doc: "where reading starts: first, last, offset:N, or a time as in \"2024-01-31T00:00:00Z\""},
			{Name: "to", Kind: KindString, Default: `"last"`, Doc: "where reading ends, fixed when the run starts; written as from is"},
			{Name: "stream", Kind: KindBool, Default: "false", Doc: "read on for ever, as a member of a consumer group"},
			{Name: "group", Kind: KindString, Default: "the pipeline's name", Doc: "with stream: the consumer group"},
			{Name: "format", Kind: KindString, Default: `"json"`, Values: []string{"json", "avro", "raw"}, Doc: "format of the value; raw gives its bytes"},
			{Name: "schema", Kind: KindTypes, Doc: "json: fields of the value and their types"},
			{Name: "registry", Kind: KindString, Doc: "avro: URL of the schema registry"},
			{Name: "registry_username", Kind: KindString, Doc: "avro: user of the registry; without it nobody logs in"},
			{Name: "registry_password", Kind: KindString, Doc: "avro: password of the registry's user; it is never printed"},
			{Name: "lateness", Kind: KindTime, Later: true, Doc: "how late a row may come"},
			{Name: "idle_timeout", Kind: KindTime, Later: true, Doc: "when a silent topic partition no longer holds the watermark"},
			{Name: "advance", Kind: KindString, Later: true, Doc: "what moves the watermark"},
			{Name: "refresh", Kind: KindTime, Later: true, Doc: "how often readers beside a stream are read again"},
		}...)},
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
			{Name: "keys", Kind: KindNames, Doc: "columns of the key, for a plugin of kind keyed: it sees all rows of a key, in order"},
			{Name: "time", Kind: KindString, Doc: "column that orders the rows of a key, a timestamp, for a plugin of kind keyed"},
			{Name: "limits", Kind: KindTable, Doc: "caps on the plugin", Keys: []KeyDoc{
				{Name: "memory", Kind: KindSize, Min: abi.MinMemory, Max: abi.MaxMemory, Default: `"64MiB"`, Doc: "greatest memory of one instance of a module; it does not bind a program"},
				{Name: "output_ratio", Kind: KindFloat, Default: "4", Doc: "most bytes out per byte in, 64 MiB aside"},
				{Name: "max_batch_rows", Kind: KindInt, Min: 1, Max: maxBatchRows, Default: "65536", Doc: "greatest number of rows in a batch it is given"},
				{Name: "log_lines", Kind: KindInt, Min: 1, Max: 1 << 30, Default: "100", Doc: "most lines it may log per second"},
				{Name: "fuel_base", Kind: KindInt, Min: 1, Max: abi.MaxFuel, Default: "50000000", Doc: "module: fuel for each batch; a unit is 0.3 to 8 nanoseconds, by the code: measure, do not reckon with it"},
				{Name: "fuel_per_row", Kind: KindInt, Min: 1, Max: abi.MaxFuel, Default: "50000", Doc: "module: fuel for each row of it"},
				{Name: "timeout", Kind: KindWait, Default: `"10s"; a program: "60s"`, Doc: "greatest time for a batch"},
			}},
			{Name: "mtls", Kind: KindBool, Default: "false", Doc: "process plugin: whether it and the host prove themselves to each other by certificates made for each start"},
			{Name: "on_error", Kind: KindString, Default: `"fail"`, Values: []string{"fail", "dead_letter", "skip"}, Doc: "what happens to rows the plugin fails on: the run fails, they are kept in the dead letter, or they are left out and counted; of a batch, the rows behind the 16th that failed go the same way untried"},
			{Name: "circuit", Kind: KindTable, Doc: "when failures stop the run in spite of on_error = \"dead_letter\" or \"skip\"; with \"fail\" the first one does", Keys: []KeyDoc{
				{Name: "rejected", Kind: KindFloat, Default: "0.01", Doc: "greatest share of rows that may fail, 0 to 1, judged from 10,000 rows on"},
				{Name: "failures", Kind: KindInt, Min: 1, Max: 1 << 30, Default: "5", Doc: "batches one after the other of which more than 16 rows fail"},
			}},
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
		{Name: "name", Kind: KindString, Default: "historical, online, cassandra or kafka", Doc: "tells sinks of one kind apart, in reports and the ledger"},
		{Name: "type", Kind: KindString, Required: true, Values: []string{"historical", "online"}, Doc: "every value over time, or the newest row of each key"},
		{Name: "stage", Kind: KindTables, Doc: "stages for this sink only, in order", By: "use", Keys: stageKeys(), Variants: stageVariants()},
	}
}

func sinkVariants() []Variant {
	return []Variant{
		{Value: "historical", Keys: []KeyDoc{
			{Name: "path", Kind: KindString, Default: "the bucket of the variable FEATURE_STORE_S3_BUCKET", Doc: "root of the store, a folder or s3://bucket/prefix; tables lie in {path}/historical/{entity}/{name}"},
			{Name: "layout", Kind: KindString, Default: `"partitioned"`, Values: []string{"partitioned", "flat"}, Doc: "folders year=/month=/day=, or one folder"},
			{Name: "allow_empty", Kind: KindBool, Default: "false", Doc: "let a full run without rows empty the table"},
			{Name: "validation_threshold", Kind: KindFloat, Default: "0; butterfree: 0.01", Doc: "butterfree: part of the rows that may be missing when the table is checked"},
			hiveKey("the metastore that is told of the table and its partitions", false),
			s3Key(),
		}},
		{Value: "online", Keys: append(kafkaKeys("cassandra: the variable CASSANDRA_USERNAME", "cassandra: the variable CASSANDRA_PASSWORD"), []KeyDoc{
			{Name: "store", Kind: KindString, Default: `"local"`, Values: []string{"local", "cassandra", "kafka"}, Doc: "the embedded store, a Cassandra cluster, or a topic that gets every row"},
			{Name: "path", Kind: KindString, Default: "a file in state", Doc: "local: database file"},
			{Name: "ttl", Kind: KindTime, Doc: "how long a value is visible"},
			{Name: "write_to_entity", Kind: KindBool, Default: "false", Doc: "local and cassandra: write into the table of the entity, which several sets share"},
			{Name: "hosts", Kind: KindStrings, Default: "the variable CASSANDRA_HOST", Doc: "cassandra: servers to ask first"},
			{Name: "keyspace", Kind: KindString, Default: "the variable CASSANDRA_KEYSPACE", Doc: "cassandra: keyspace of the table"},
			{Name: "consistency", Kind: KindString, Default: `"LOCAL_QUORUM"`, Values: []string{"ANY", "ONE", "TWO", "THREE", "QUORUM", "ALL", "LOCAL_QUORUM", "EACH_QUORUM", "LOCAL_ONE"}, Doc: "cassandra: how many replicas must answer"},
			{Name: "concurrency", Kind: KindInt, Min: 1, Max: 4096, Default: "64", Doc: "cassandra: writes under way at once"},
			{Name: "datacenter", Kind: KindString, Doc: "cassandra: the local data centre; without it all are alike"},
			{Name: "replication", Kind: KindString, Doc: "cassandra: replication of a keyspace that migrate makes, as CQL writes it"},
			{Name: "topic", Kind: KindString, Doc: "kafka: topic to write"},
			{Name: "format", Kind: KindString, Default: `"json"`, Values: []string{"json", "avro"}, Doc: "kafka: format of the messages"},
			{Name: "registry", Kind: KindString, Doc: "kafka: URL of the schema registry; for avro"},
			{Name: "registry_username", Kind: KindString, Doc: "kafka: user of the registry; without it nobody logs in"},
			{Name: "registry_password", Kind: KindString, Doc: "kafka: password of the registry's user; it is never printed"},
		}...)},
	}
}

// s3Key declares how objects named s3://bucket/key are reached.
func s3Key() KeyDoc {
	return KeyDoc{Name: "s3", Kind: KindTable, Doc: "the S3 store; credentials come from the standard chain of AWS", Keys: []KeyDoc{
		{Name: "endpoint", Kind: KindString, Default: "the variable AWS_ENDPOINT_URL_S3, else AWS", Doc: "URL of the server"},
		{Name: "region", Kind: KindString, Default: "the variable AWS_REGION, else as the AWS chain says", Doc: "region of the bucket"},
		{Name: "path_style", Kind: KindBool, Default: "false", Doc: "name the bucket in the path, as most servers other than AWS want"},
	}}
}

// hiveKey declares how a Hive metastore is reached.
func hiveKey(doc string, required bool) KeyDoc {
	return KeyDoc{Name: "hive", Kind: KindTable, Required: required, Doc: doc, Keys: []KeyDoc{
		{Name: "metastore", Kind: KindString, Doc: "its address, as in \"thrift://localhost:9083\"; a reader with sql does without"},
		{Name: "server", Kind: KindString, Doc: "address of HiveServer2, for sql, as in \"localhost:10000\""},
		{Name: "database", Kind: KindString, Default: `"default"; of a sink the variable FEATURE_STORE_HISTORICAL_DATABASE, else "feature_store"`, Doc: "database of the table"},
		{Name: "auth", Kind: KindString, Default: `"NOSASL"`, Values: []string{"NOSASL", "NONE", "LDAP", "KERBEROS"}, Doc: "how HiveServer2 and the metastore know their users"},
		{Name: "username", Kind: KindString, Doc: "user"},
		{Name: "password", Kind: KindString, Doc: "with LDAP: password; it is never printed"},
	}}
}

// kafkaKeys declare how brokers are reached, and, for all servers alike, who
// asks and how the connection is encrypted. user and password are what stands
// in for these keys.
func kafkaKeys(user, password string) []KeyDoc {
	return []KeyDoc{
		{Name: "brokers", Kind: KindStrings, Default: "the variable KAFKA_CONSUMER_CONNECTION_STRING", Doc: "kafka: brokers to ask first"},
		{Name: "mechanism", Kind: KindString, Values: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, Doc: "kafka: how the user is proved, with SASL"},
		{Name: "username", Kind: KindString, Default: user, Doc: "user"},
		{Name: "password", Kind: KindString, Default: password, Doc: "password; it is never printed"},
		{Name: "tls", Kind: KindTable, Doc: "encrypt the connection; paths are relative to the pipeline file", Keys: []KeyDoc{
			{Name: "ca", Kind: KindString, Default: "the machine's", Doc: "PEM file of the authorities that are trusted"},
			{Name: "cert", Kind: KindString, Doc: "PEM file of the own certificate"},
			{Name: "key", Kind: KindString, Doc: "PEM file of its key"},
			{Name: "server_name", Kind: KindString, Default: "the host", Doc: "name that the server's certificate must hold"},
		}},
	}
}
