// Package exchange stands in front of keyed stages in a batch run. It takes
// rows in any order and hands them on in partitions: ranges of keys, ascending
// by canonical key bytes, each sorted by the total order of S-301.
// Read one after the other the partitions are one sorted table, so
// files written from them need no second sort; read side by side they feed
// several workers.
//
// Its one idea: rows are copied once into compact columns, only small items (a
// 64-bit prefix of the next column and a row number) are sorted, column by
// column of the order, and the rows are gathered once, on the way out. What
// does not fit the budget leaves as sorted runs and is merged back.
//
//   - E1: the rows that come out, in their order, are a function of the set of
//     rows that went in: not of their order, batches, budget, workers or number
//     of partitions. Where Order leaves ties, the columns it does not name
//     break them, by name, and at last the bits of NaNs, so that E1 needs no
//     promise of the stage.
//   - E2: a partition never splits a key, and no partition is empty.
//   - E3: how rows are cut into batches is not promised beyond BatchRows.
//   - E4: bytes held stay below MemoryBytes while at most Workers partitions
//     are being read, except that one row, and one block per run of the last
//     merge, are always held. Batches handed out belong to the caller.
//   - E5: no goroutine outlives the call that started it; files live between
//     the first spill and Close.
//
// Keys are told apart by their bytes, so -0.0 and +0.0 are two keys: a profile
// that allows float keys makes them one before they come here. It does not
// fold, does not know features, and does not decide which rows are late.
package exchange
