package deadletter

import "github.com/featurehost/featurehost/host/fault"

// The codes of this room.
const (
	// NotKept is a rejected row that could not be written.
	NotKept fault.Code = 8050
	// DiskFull is a rejected row for which there was no space.
	DiskFull fault.Code = 8051
	// BadRejection names rows that are not in the batch, or comes after the end.
	BadRejection fault.Code = 8053
	// Unreadable is a dead letter file that cannot be read.
	Unreadable fault.Code = 8054
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: NotKept, Title: "dead letter not written", Explain: "A rejected row could not be written to the dead letter folder below the pipeline's state folder, so the run stops rather than lose it. Check that the folder is writable."},
		{Code: DiskFull, Title: "no space for dead letters", Explain: "The disk is full, or a quota or file size limit was reached, while rejected rows were written. Nothing was published. Free space, or look at the reason in the run summary: perhaps too many rows are rejected."},
		{Code: BadRejection, Title: "rejected row does not exist", Explain: "A stage rejected row numbers that its batch does not have, gave no name or reason, or rejected a row after the dead letter was closed. This is a defect of featurehost: please report it with the pipeline file."},
		{Code: Unreadable, Title: "dead letter unreadable", Explain: "The file is missing, is no dead letter of featurehost, or is damaged. Files ending in .tmp belong to a run that is going on or was killed, and are not meant to be read."},
	}
}
