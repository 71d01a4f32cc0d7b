package kafka

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room: 7620-7629 usage, 7630-7639 data, 7640-7649 system.
const (
	// BadConfig are settings that do not fit together.
	BadConfig fault.Code = 7620
	// NoTopic is a topic that does not exist or has no partitions.
	NoTopic fault.Code = 7621
	// BadColumn is a column that the messages do not have or cannot fill.
	BadColumn fault.Code = 7622
	// BadIncremental is a strategy that does not fit its column.
	BadIncremental fault.Code = 7623
	// BadTLS is a certificate that cannot be used.
	BadTLS fault.Code = 7624
	// NoVectors is an attempt to read vectors from a topic.
	NoVectors fault.Code = 7625

	// BadPayload is a message that is no row.
	BadPayload fault.Code = 7630
	// Corrupt are bytes from a broker that are no messages.
	Corrupt fault.Code = 7631
	// OffsetGone is an offset that the topic does not hold any more.
	OffsetGone fault.Code = 7632
	// WrongBatch is a batch that does not fit the sink.
	WrongBatch fault.Code = 7633
	// TooLong is a row that the topic does not take.
	TooLong fault.Code = 7634

	// Unreachable is a broker that does not answer.
	Unreachable fault.Code = 7640
	// LoginRefused is a user that was not let in.
	LoginRefused fault.Code = 7641
	// NotAllowed is something that the user may not do.
	NotAllowed fault.Code = 7642
	// Refused is any other refusal of a broker.
	Refused fault.Code = 7643
	// Stalled is a partition that does not get on.
	Stalled fault.Code = 7644
	// RegistryFailed is a schema registry that does not give or take a schema.
	RegistryFailed fault.Code = 7645
	// PendingLost are staged rows that are gone or altered.
	PendingLost fault.Code = 7646
	// NotCommitted are offsets that the group did not take.
	NotCommitted fault.Code = 7647
	// DiskRefused is a refusal of the disk.
	DiskRefused fault.Code = 7648
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadConfig, Title: "Kafka cannot be set up", Explain: "Settings of a Kafka reader or sink do not fit together, or name a type that does not exist. Correct the table that the message names."},
		{Code: NoTopic, Title: "no such topic", Explain: "The brokers know no topic of this name, or it has no partitions. Correct the name, or create the topic before the run; featurehost never creates one."},
		{Code: BadColumn, Title: "column that messages do not have", Explain: "A column is asked of a Kafka reader that neither its schema nor the kafka_ columns have, or a field is declared with a name or type that messages cannot fill. Correct the name or the schema."},
		{Code: BadIncremental, Title: "incremental strategy does not fit", Explain: "The column that tells the day of a message is missing or of another type. A date or timestamp column, such as kafka_timestamp, stands alone, a number needs a unit (s, ms or us), a text needs a mask. A topic has no partition columns."},
		{Code: BadTLS, Title: "certificate cannot be used", Explain: "A file of [tls] cannot be read or holds no certificate or key, or the certificate of the broker is not one that these files trust. Correct the paths, give the authority that signed the broker's certificate as ca, or the name in it as server_name."},
		{Code: NoVectors, Title: "a topic holds no vectors", Explain: "Kafka as an online store keeps every row, not the newest of a key, so it cannot be asked for a vector. Give the pipeline a second online sink with store = \"local\" or \"cassandra\" and ask that."},
		{Code: BadPayload, Title: "message that is no row", Explain: "The value of a message is no JSON object, or no Avro of a schema that can be read. The message names topic, partition and offset. With on_bad_row = \"dead_letter\" such messages are kept aside and the run goes on."},
		{Code: Corrupt, Title: "damaged messages", Explain: "A broker sent bytes that are no messages, or messages whose checksum is wrong, or in a format from before Kafka 0.11. Look at the broker's log; messages in the old format must be written again."},
		{Code: OffsetGone, Title: "offset is gone", Explain: "Messages that were to be read have been removed by the topic's retention, or were never there. Begin with \"first\", or at an offset that the partition holds; a run that was overtaken by the retention is started again. A stream goes on where its group is, so a stream that was overtaken, or whose topic was made anew, needs the group moved: stop it and reset the offsets of the group with kafka-consumer-groups.sh, or give it a new group. What was removed is lost to it."},
		{Code: WrongBatch, Title: "batch does not fit", Explain: "Rows reached the Kafka sink with other columns than it was opened with. This is a defect of featurehost: please report it with the pipeline file."},
		{Code: TooLong, Title: "row too long for the topic", Explain: "A row makes a message larger than the topic takes (max.message.bytes). Raise that limit or leave out the column."},
		{Code: Unreachable, Title: "Kafka does not answer", Explain: "No broker could be reached, or one stopped answering for longer than featurehost waits. Check the addresses, also those that the brokers advertise, and run again."},
		{Code: LoginRefused, Title: "Kafka refuses the user", Explain: "User and password, or the mechanism, are not what the broker expects. Correct username, password and mechanism."},
		{Code: NotAllowed, Title: "not allowed in Kafka", Explain: "The user is known but may not do this. Grant Read and Describe on the topic to readers (and Read on the group to streams), Write and Describe to sinks."},
		{Code: Refused, Title: "Kafka refuses", Explain: "A broker refused a request; the message holds its reason. Where it is a passing state of the cluster, run again."},
		{Code: Stalled, Title: "partition does not get on", Explain: "A partition gave no further messages although its end was not reached: a transaction that is still open, a partition without a leader, or messages that were lost in a failover. Look at the topic with Kafka's tools and run again."},
		{Code: RegistryFailed, Title: "schema registry", Explain: "The schema registry could not be reached, does not know a schema, or refuses one. The message names what was asked and what it answered."},
		{Code: PendingLost, Title: "staged rows are gone", Explain: "The ledger names a staged file of rows that is not there, or is not as it was written, and it was not sent. Someone removed or changed it. Compute the interval again."},
		{Code: NotCommitted, Title: "offsets not committed", Explain: "The consumer group did not take the offsets of a portion that is in the stores already: another member took over the partitions, or the broker went away. Those messages will be read again, which changes nothing in a store where the newest row wins. When a stream begins, it is the offsets to begin at, and nothing has been read yet."},
		{Code: DiskRefused, Title: "disk refused", Explain: "The staged rows of a Kafka sink could not be written or read. Free space, or correct the permissions of the state folder, and run again."},
	}
}
