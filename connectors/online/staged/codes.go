package staged

import "github.com/featurehost/featurehost/host/fault"

// The codes of files and values; the room connectors/online explains them.
const (
	// WrongBatch is a batch that does not fit the schema the sink was opened with.
	WrongBatch fault.Code = 7552
	// DiskFull is a write that found no space.
	DiskFull fault.Code = 7590
	// NotWritable is a file or folder that this process may not write to.
	NotWritable fault.Code = 7591
	// DiskRefused is any other refusal of the disk.
	DiskRefused fault.Code = 7593
	// PendingLost is a prepared write whose staged file is gone or altered.
	PendingLost fault.Code = 7594
)
