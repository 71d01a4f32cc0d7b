package cassandra

import "github.com/featurehost/featurehost/host/fault"

// The codes of this room.
const (
	// BadConfig is a setting of the store that cannot be used.
	BadConfig fault.Code = 7650
	// UnknownKeyspace is a keyspace that the cluster has not.
	UnknownKeyspace fault.Code = 7651
	// NoTable is a feature set that no run has published yet.
	NoTable fault.Code = 7652
	// BadColumn is a column or name that a table cannot have.
	BadColumn fault.Code = 7653
	// SchemaChange is a table whose columns do not fit the feature set.
	SchemaChange fault.Code = 7654
	// ColumnClash is a column that another set of the entity owns.
	ColumnClash fault.Code = 7655
	// NotOurs is a table that belongs to another feature set.
	NotOurs fault.Code = 7656
	// MigrationRefused is a step of a migration that cannot be made.
	MigrationRefused fault.Code = 7657
	// BadKey is a key text that does not fit the key's columns.
	BadKey fault.Code = 7658
	// BadRow is a row that Cassandra cannot hold.
	BadRow fault.Code = 7659
	// TooManyRevisions is a cell that was computed more often than a write time
	// can tell apart.
	TooManyRevisions fault.Code = 7660
	// Unreadable is a stored value that is not of its column's type.
	Unreadable fault.Code = 7661
	// Unreachable is a cluster that no connection could be made to.
	Unreachable fault.Code = 7662
	// NotAllowed is a user, password or permission that was turned down.
	NotAllowed fault.Code = 7663
	// BadTLS is a connection that could not be encrypted.
	BadTLS fault.Code = 7664
	// NoAnswer is a request that the cluster did not answer in time.
	NoAnswer fault.Code = 7665
	// Refused is any other refusal of the server.
	Refused fault.Code = 7666
	// NotOpen is a sink or store used before Open or after Close.
	NotOpen fault.Code = 7667
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadConfig, Title: "Cassandra settings unusable", Explain: "A setting of the sink cannot be used: a file of `tls` that is no PEM file or does not exist, a `ttl` beyond the 20 years that Cassandra allows, a consistency that the cluster does not know. The message names it. Correct the pipeline file."},
		{Code: UnknownKeyspace, Title: "unknown keyspace", Explain: "The cluster has no keyspace of this name; names are case-sensitive here. A run never makes one. Make it with CREATE KEYSPACE, or write `replication` into the sink and run `featurehost migrate --apply`."},
		{Code: NoTable, Title: "feature set not published", Explain: "The keyspace has no table of this feature set, or the entity's table has no columns of it. Run the pipeline first, or check the entity and the name of the set."},
		{Code: BadColumn, Title: "column cannot be stored", Explain: "The table needs key columns, then a column \"timestamp\" in microseconds UTC, then features, all of types of the feature types table. Names of entity and set consist of letters, digits and underscores. With write_to_entity, no column may be named {set}__timestamp. Rename or cast the column."},
		{Code: SchemaChange, Title: "Cassandra table has another schema", Explain: "The table lacks a column of the feature set, has a column that the set has lost, has one of another type, or other keys. `featurehost migrate` shows what it takes and makes the changes that can be made; for the others give the feature or the set a new name. A column that was dropped once cannot be used again: Cassandra hides every value whose write time is before the drop."},
		{Code: ColumnClash, Title: "column of another feature set", Explain: "With write_to_entity several feature sets share a table and each owns its columns. The column named in the message belongs to another set. Rename the feature in one of the sets."},
		{Code: NotOurs, Title: "table of another feature set", Explain: "The table of this name was made for another entity or set: two pairs of names can make one table name. Nothing was changed. Rename the set, or use another keyspace."},
		{Code: MigrationRefused, Title: "migration cannot be made", Explain: "Cassandra cannot change the type of a column, the keys of a table, or bring back a column that was dropped. Give the feature or the set a new name and run the pipeline over the whole time."},
		{Code: BadKey, Title: "key does not fit", Explain: "A vector is asked for by one text per key column, in the form of the column's type: 17 for a bigint, true or false for a boolean, 2026-01-31 for a date, 2026-01-31T10:00:00Z for a timestamp, base64 for binary."},
		{Code: BadRow, Title: "row cannot be stored in Cassandra", Explain: "A row has what Cassandra cannot hold: a null key, an empty first key, a key of more than 65,535 bytes, a key timestamp that is no whole millisecond, no timestamp, or text that is not UTF-8. Nothing was published. Leave such rows out by a stage, which may be one for this sink only ([[sink.stage]])."},
		{Code: TooManyRevisions, Title: "more than 1,000 revisions", Explain: "A day was computed more than 1,000 times. Write times in Cassandra tell revisions 0 to 999 of a millisecond apart, so another write might lose to an older one. Give the feature set a new name, which makes a new table, and run the whole time once."},
		{Code: Unreadable, Title: "stored value cannot be read", Explain: "A stored value is not of its column's type, which means that the table was changed by other means. Compare the table with the feature set: `featurehost migrate`."},
		{Code: Unreachable, Title: "Cassandra not reachable", Explain: "No connection to any of the hosts could be made; the message holds the reason. Check `hosts`, the network, and whether the cluster expects TLS. Nothing was changed; a run that was publishing is completed by the next run."},
		{Code: NotAllowed, Title: "Cassandra refuses the user", Explain: "The cluster turned down the user or the password, wants one, or the user lacks a permission. A run needs SELECT and MODIFY on the table, and CREATE on the keyspace when it is to make the table; migrate needs CREATE and ALTER."},
		{Code: BadTLS, Title: "TLS connection refused", Explain: "The connection could not be encrypted: the certificate is not of an authority in `ca`, is out of date or for another name (see `server_name`), the server does not speak TLS, or it does not take the own certificate. The message holds the reason."},
		{Code: NoAnswer, Title: "Cassandra did not answer", Explain: "Requests were repeated with growing pauses and timed out, found too few replicas alive, or lost their connection, until the time for it was over. Rows already written stay, which is harmless: the next run writes the same rows again and completes it."},
		{Code: Refused, Title: "Cassandra refused a request", Explain: "The server refused a statement; the message holds its reason."},
		{Code: NotOpen, Title: "store not open", Explain: "The sink or store was used before it was opened or after it was closed. This is a defect of featurehost: please report it with the pipeline file."},
	}
}
