package exchange

import (
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow"
)

// Options say what is exchanged and what it may cost.
type Options struct {
	// Schema of the rows, in and out.
	Schema *flow.Schema
	// Order the rows come out in. No Keys means that all rows share one key;
	// no Time means that it takes no part.
	Order flow.Order
	// MemoryBytes is the budget; 0 means 256 MiB. Below 1 MiB it is a wish:
	// the buffers of a merge have a least size.
	MemoryBytes int64
	// Scratch is the folder for runs that do not fit the budget. It must
	// exist; it is touched by the first spill only.
	Scratch string
	// Workers is how many goroutines may sort, and how many partitions are
	// read at a time; 0 means 1.
	Workers int
	// Partitions is how many to cut the keys into, at most; 0 means Workers.
	Partitions int
	// BatchRows is the greatest number of rows in a batch handed out; 0 means
	// 8192.
	BatchRows int
	// Allocator of buffers and batches; nil means Go's heap.
	Allocator memory.Allocator
}

func (o Options) filled() Options {
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = 256 << 20
	}
	o.Workers = max(o.Workers, 1)
	if o.Partitions <= 0 {
		o.Partitions = o.Workers
	}
	if o.BatchRows <= 0 {
		o.BatchRows = 8192
	}
	if o.Allocator == nil {
		o.Allocator = memory.NewGoAllocator()
	}
	return o
}

// Sizes that follow from the budget. With R readers, each merging fanIn runs:
// R x fanIn x (a block in merging and one drained) + R x batchBytes stays
// below two thirds of it.

// blockBytes is the size of a block of a run, the unit of reading back.
func (o Options) blockBytes() int64 {
	return min(max(o.MemoryBytes/int64(64*o.Workers), 8<<10), 1<<20)
}

// fanIn is how many runs one reader may merge.
func (o Options) fanIn() int {
	return max(2, int(o.MemoryBytes/(4*o.blockBytes()*int64(o.Workers))))
}

// batchBytes limits the bytes of a batch handed out, beside BatchRows.
func (o Options) batchBytes() int64 {
	return max(o.MemoryBytes/int64(16*o.Workers), 64<<10)
}
