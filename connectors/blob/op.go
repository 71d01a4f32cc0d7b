package blob

import "fmt"

// Kind is the kind of a primitive operation.
type Kind string

// The primitive operations. Reads are none: they change nothing.
const (
	MakeDir  Kind = "mkdir"    // a new folder
	Create   Kind = "create"   // a new, empty file
	Write    Kind = "write"    // bytes to an open file
	Sync     Kind = "sync"     // a file's bytes to disk
	SyncDir  Kind = "syncdir"  // a folder's entries to disk
	Link     Kind = "link"     // a second name for a file, if the name is free
	Rename   Kind = "rename"   // a file or folder moves
	Exchange Kind = "exchange" // two folders trade places
	Remove   Kind = "remove"   // one file, one empty folder or one object goes

	// Those of an object store; each is one request.
	Put    Kind = "put"    // an object is written as a whole
	Copy   Kind = "copy"   // the server copies an object
	Begin  Kind = "begin"  // an object in parts is begun
	Part   Kind = "part"   // a part is written
	Finish Kind = "finish" // the parts become the object
)

// Op is one primitive operation, about to be done.
type Op struct {
	Kind Kind
	Key  string // what it works on; "" is the root
	To   string // Link, Rename, Exchange, Copy: the other key
	Size int    // Write, Put, Part: bytes
}

// String gives "rename a -> b".
func (o Op) String() string {
	switch {
	case o.To != "":
		return fmt.Sprintf("%s %s -> %s", o.Kind, o.Key, o.To)
	case o.Key == "":
		return string(o.Kind) + " ."
	default:
		return string(o.Kind) + " " + o.Key
	}
}

// Hook is told of every operation before it is done. An error from it stands
// for the operation's own failure: the operation is not done. Calls may come
// from several goroutines.
type Hook func(Op) error
