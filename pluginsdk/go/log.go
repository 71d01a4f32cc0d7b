package sdk

// Level of a log line.
type Level int32

// The levels, the gravest first.
const (
	LevelError Level = iota
	LevelWarn
	LevelInfo
	LevelDebug
	LevelTrace
)

// Log writes a line to the host's log, under the plugin's name. The host keeps
// 100 lines a second; log per batch, not per row.
func Log(level Level, text string) { hostLog(level, text) }
