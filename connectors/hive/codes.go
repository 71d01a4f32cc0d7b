package hive

import "github.com/featurehost/featurehost/host/fault"

// The codes of this room.
const (
	// Unreachable is a metastore that does not answer.
	Unreachable fault.Code = 7670
	// AuthRefused is a user that a server does not take, or a way to make users
	// known that this build has not.
	AuthRefused fault.Code = 7671
	// NoDatabase is a database that the metastore does not know.
	NoDatabase fault.Code = 7672
	// NoTable is a table that the metastore does not know.
	NoTable fault.Code = 7673
	// Refused is any other refusal of the metastore.
	Refused fault.Code = 7674
	// BadName is a name that a metastore cannot hold.
	BadName fault.Code = 7675
	// BadType is a column type that Hive has not.
	BadType fault.Code = 7676
	// TableDiffers is a table whose columns do not fit.
	TableDiffers fault.Code = 7677
	// NotOurs is a table of the name that is not the one of this store.
	NotOurs fault.Code = 7678
	// BadLocation is a location that is no place on disk or in S3.
	BadLocation fault.Code = 7679
	// ServerUnreachable is a HiveServer2 that does not answer.
	ServerUnreachable fault.Code = 7680
	// SQLRefused is a statement that HiveServer2 does not run.
	SQLRefused fault.Code = 7681
	// BadResult is a value in a result that is not of its column's type.
	BadResult fault.Code = 7682
	// MigrationRefused is a change of a table that cannot be made.
	MigrationRefused fault.Code = 7683
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: Unreachable, Title: "metastore does not answer", Explain: "The Hive metastore cannot be reached, closed the connection, or did not answer in time. The message holds its address. Check that it runs and that the address is that of its Thrift port; then run again: what was published before is not published twice."},
		{Code: AuthRefused, Title: "user not accepted by Hive", Explain: "The metastore or HiveServer2 refuses the user, or asks for users to be known in another way. Set `auth` to what the server has (NONE and LDAP are SASL with user and password, NOSASL is neither), and check username and password. KERBEROS needs a featurehost that was built with the tag kerberos."},
		{Code: NoDatabase, Title: "no such database in Hive", Explain: "The metastore does not know the database. Correct `database`; a sink makes it where it may."},
		{Code: NoTable, Title: "no such table in Hive", Explain: "The metastore does not know the table. Correct `table` or `database`; names are compared without case."},
		{Code: Refused, Title: "metastore refuses", Explain: "The metastore refuses a change or a question; the message holds its own words: a permission, a folder it cannot see, a rule of its administrator. Repair that and run again."},
		{Code: BadName, Title: "name that Hive cannot hold", Explain: "Database and table names in Hive are letters, digits and underscores, and column names are the same for Hive when only their case differs. Rename the feature set or the column, or set another `database`."},
		{Code: BadType, Title: "type that Hive has not", Explain: "A column has a type that no Hive type holds. Cast the feature to a type of the types table."},
		{Code: TableDiffers, Title: "table in Hive has other columns", Explain: "The table that the metastore knows lacks nothing but has a column that the feature set has not, or one of another type. New columns are added by a run; anything else is for `featurehost migrate`, which shows what would change, or for a new feature set name."},
		{Code: NotOurs, Title: "another table has the name", Explain: "The metastore knows a table of this name that is not this store's: it lies elsewhere, is a view, is managed by Hive, or has another file format or other partition columns. Set another `database`, or drop that table in Hive (the files of an external one stay)."},
		{Code: BadLocation, Title: "location that cannot be read", Explain: "A table or partition lies at a place that is neither on this machine's disk nor in S3, for example in HDFS. Ask HiveServer2 with `sql` instead, or copy the data to S3."},
		{Code: ServerUnreachable, Title: "HiveServer2 does not answer", Explain: "HiveServer2 cannot be reached, closed the connection, or did not answer in time. Check that it runs and that `server` is its binary Thrift port, and run again."},
		{Code: SQLRefused, Title: "statement failed in HiveServer2", Explain: "HiveServer2 does not parse or run the statement; the message holds its own words. Try the statement in beeline."},
		{Code: BadResult, Title: "value of HiveServer2 cannot be read", Explain: "A value of a result is not of the type that HiveServer2 says its column has, or the type is none that featurehost can hold. Cast the column in the statement."},
		{Code: MigrationRefused, Title: "table in Hive cannot be changed so", Explain: "A change that a migration lists cannot be made: the stored files would not have the new type. Give the feature a new name, or write to a new path and database."},
	}
}
