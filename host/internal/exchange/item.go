package exchange

// A row is named by 32 bits: the slot of the record that holds it in its
// table, and its number there.
const (
	rowBits  = 13
	slotRows = 1 << rowBits // the most rows a record in a table may have
	rowMask  = slotRows - 1
	maxSlots = 1 << (32 - rowBits)
)

func rowID(slot, row int) uint32 { return uint32(slot)<<rowBits | uint32(row) }

// item is a row in sorting: its id, and the order-keeping prefix of the column
// that is sorted by at the moment.
type item struct {
	k  uint64
	id uint32
}

const itemBytes = 16
