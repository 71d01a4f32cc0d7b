package catalog

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	UnknownPlugin   fault.Code = 201
	DuplicatePlugin fault.Code = 202
	Unreadable      fault.Code = 203
	NoSuchVersion   fault.Code = 204
	BrokenPlugin    fault.Code = 205
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: UnknownPlugin, Title: "unknown stage or plugin", Explain: "A `use` names neither a built-in nor a plugin that was found. Plugins are looked for as plugins/*.wasm and plugins/*/*.wasm beside the pipeline file, else in the working directory, or in the folder given by --plugins. `featurehost plugin list` shows what is there."},
		{Code: DuplicatePlugin, Title: "plugin found twice", Explain: "Two files hold a plugin of the same name and version, and nothing says which one is meant. Remove one of them."},
		{Code: Unreadable, Title: "plugin file cannot be read", Explain: "A file or folder of plugins cannot be opened or read. Check that it exists and its permissions."},
		{Code: NoSuchVersion, Title: "no such version of a plugin", Explain: "A `use` names a version of a plugin that was not found. The message lists the versions that were."},
		{Code: BrokenPlugin, Title: "plugin cannot be used", Explain: "The file that a `use` names is no plugin that this build can load; the reason follows in the message, with a code of its own. Other plugins in the folder are not affected."},
	}
}
