package blob

import "github.com/featurehost/featurehost/host/fault"

// The codes of this room.
const (
	// BadKey is a key that could leave the folder or cannot be a file name.
	BadKey fault.Code = 8020
	// IO is an operation that the file system refused.
	IO fault.Code = 8021
	// Unsupported is an operation that the file system does not know.
	Unsupported fault.Code = 8022
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: BadKey, Title: "bad object key", Explain: "A key names an object by parts joined with slashes; a part is not empty, not \".\" or \"..\", and holds no zero byte and no backslash. Rename the entity, feature set or file that the key was made of."},
		{Code: IO, Title: "file operation refused", Explain: "The operating system refused a read, write, sync or rename; the message holds its reason. Look at permissions, free space and the health of the disk, then run again."},
		{Code: Unsupported, Title: "file system cannot do this", Explain: "The file system has no hard links and no rename without replacing, or cannot lock files, so that two runs could claim the same number or the same days. Put the store on a local disk or on a file system that can."},
	}
}
