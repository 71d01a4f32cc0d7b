package ledger

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	Held        fault.Code = 8000
	Unreadable  fault.Code = 8001
	Lost        fault.Code = 8002
	NotRecovery fault.Code = 8003
	NotSwept    fault.Code = 8004
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: Held, Title: "interval held by another run", Explain: "Another run is writing some of the same days of this feature set. The message names its number, machine and process. Wait for it, or end it: the next run then finishes or undoes what it left."},
		{Code: Unreadable, Title: "ledger record unreadable", Explain: "A record of the run ledger is damaged or was written by a newer featurehost. Nothing was written. Look at the file named; a record that cannot be repaired may be moved aside once the table is known to be whole."},
		{Code: Lost, Title: "claim lost", Explain: "This run's record was taken over by another process, because its lease ran out: the machine slept, or could not reach the store for longer than the lease. Whoever took it over undoes what was not prepared and finishes what was; this process writes nothing more. Look at what the next run reports, then run it again if its days are missing."},
		{Code: NotRecovery, Title: "an earlier run could not be completed", Explain: "A run that was killed left rows that were prepared and not yet published, and publishing them failed. The cause follows in the message; the next run tries again."},
		{Code: NotSwept, Title: "leftovers of a superseded run stay", Explain: "The prepared rows of an earlier run were lost and a later run computed its days again. What the earlier one still had aside could not be removed, for the reason that follows. No reader sees it; the next run tries again."},
	}
}
