package catalog

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	UnknownPlugin   fault.Code = 201
	DuplicatePlugin fault.Code = 202
	Unreadable      fault.Code = 203
	NoSuchVersion   fault.Code = 204
	BrokenPlugin    fault.Code = 205
	NotLocked       fault.Code = 206
	BadLock         fault.Code = 207
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: UnknownPlugin, Title: "unknown stage or plugin", Explain: "A `use` names neither a built-in nor a plugin that was found. Plugins are looked for as plugins/*.wasm, plugins/*/*.wasm and, for programs, plugins/NAME/manifest.json beside the pipeline file, else in the working directory, or in the folder given by --plugins. `featurehost plugin list` shows what is there. A plugin that plugins.lock names and that is not there is named by the message: restore its file."},
		{Code: DuplicatePlugin, Title: "plugin found twice", Explain: "Two files hold a plugin of the same name and version, and nothing says which one is meant. Remove one of them."},
		{Code: Unreadable, Title: "plugin file cannot be read", Explain: "A file or folder of plugins cannot be opened or read. Check that it exists and its permissions."},
		{Code: NoSuchVersion, Title: "no such version of a plugin", Explain: "A `use` names a version of a plugin that was not found. The message lists the versions that were."},
		{Code: BrokenPlugin, Title: "plugin cannot be used", Explain: "The file that a `use` names is no plugin that this build can load; the reason follows in the message, with a code of its own. Other plugins in the folder are not affected."},
		{Code: NotLocked, Title: "plugin not in plugins.lock", Explain: "There is a plugins.lock, and it does not name the plugin and version that a `use` stands for: it was added after the lock was written. Remove its file, or name a locked version as in use = \"NAME@VERSION\"; if it was looked at and is meant to run, `featurehost plugin lock` takes it in. `featurehost plugin lock --check` shows all differences."},
		{Code: BadLock, Title: "plugins.lock cannot be used", Explain: "The lock file is missing where one was asked for, cannot be read, is no lock of this format, or names a plugin twice. It is written by `featurehost plugin lock` and not meant to be edited. Restore it from version control; only when every plugin was looked at, write it anew."},
	}
}
