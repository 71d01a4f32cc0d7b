// Package ledger remembers, beside each table, which runs computed which days
// and how far they got: one JSON object per run (S-1210).
//
// Its one idea: whoever creates a name first owns it. A run owns its number by
// creating the record; whoever finishes the work of a dead run owns that by
// creating a takeover. Everything else is written by the owner alone, and only
// over the version that said that it is the owner.
//
//   - L1: records are never deleted, and numbers never reused.
//   - L2: of two overlapping runs at most one goes on: a run looks at all
//     records again after it created its own, and gives way to a lower number.
//     The higher number always sees the lower one, since it found it taken.
//   - L3: whoever acts after its lease ran out must win a takeover first, also
//     the holder itself, and whoever takes over writes its name into the record
//     first. So neither a process that slept through its lease nor a write of
//     it that takes effect late writes over whoever took its run: every change
//     names the version it is of (store.PutIf).
//   - L4: a record is replaced as a whole: readers see the old or the new one.
//   - L5: a run that is prepared is finished, never undone, by whoever finds
//     it dead: its publication may have begun.
//   - L6: whoever publishes asks before each step that harms others whether the
//     run is still its own (flow.Pending.Held).
//   - L7: what a superseded run left aside goes once its days are published
//     again (Sweep).
//
// On one machine a dead holder is known at once, by boot, process and start
// time. Between machines only the lease tells, so their clocks must agree to
// well within it. The package moves no row and knows no format of a store.
package ledger
