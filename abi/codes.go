package abi

// Codes of plugins that the host refuses at load (10xx) and while binding
// them to their config and input (20xx), and of failures while they run
// (30xx), and of plugins that are processes (50xx). They are plain numbers here: the host turns them into its own type.
// Codes of malformed output (40xx) live in abi/cdata.
const (
	CodeNotCoreWasm = 1001
	CodeABIVersion  = 1002
	CodeExport      = 1003
	CodeImport      = 1004
	CodeManifest    = 1005
	CodeFeature     = 1006
	CodeTooLarge    = 1007
	CodeReserved    = 1008
	CodeCompile     = 1009
	CodeDigest      = 1010
	CodeGrant       = 1011

	CodeConfig       = 2001
	CodeInputSchema  = 2002
	CodeOutputSchema = 2003
	CodeNameClash    = 2004
	CodeInit         = 2005

	CodeData     = 3001
	CodeTrap     = 3002
	CodeFuel     = 3003
	CodeMemory   = 3004
	CodeTimeout  = 3005
	CodeStack    = 3006
	CodeMisuse   = 3007
	CodeLogFlood = 3008
	CodeCircuit  = 3009

	CodeHandshake = 5001
	CodeProtocol  = 5002
	CodeStart     = 5003
	CodeExited    = 5004
	CodeDeadline  = 5005
	CodeStream    = 5006
	CodeMessage   = 5007
	CodeBadBatch  = 5008
	CodeAck       = 5009
	CodeStdout    = 5010
	CodeKilled    = 5011
)

// The variable by which a process plugin knows that a host has started it.
const (
	CookieName  = "FEATUREHOST_PLUGIN"
	CookieValue = "transform-v1"
)

// CodeDoc explains a code.
type CodeDoc struct {
	Code    int
	Title   string // a few words, lower case
	Explain string // what it means, then what to do
}

// Codes explains the codes of this package, in ascending order.
func Codes() []CodeDoc {
	return []CodeDoc{
		{CodeNotCoreWasm, "not a core wasm module", "The file does not begin as a core WebAssembly module (version 1), is cut short, or is a Component-Model binary. Build a core module: for example --target wasm32-unknown-unknown or GOOS=wasip1 with -buildmode=c-shared, not a component."},
		{CodeABIVersion, "ABI version not supported", "The plugin was written for a version of the plugin ABI that this host does not speak, or its fh_abi_version disagrees with its manifest. Use a newer host, or rebuild the plugin with an SDK of version 1.0."},
		{CodeExport, "export missing or of the wrong type", "A module must export memory, fh_abi_version, fh_alloc, fh_free, fh_init, fh_process and fh_release, and a keyed one fh_flush, with the signatures of abi/SPEC.md. Check the linker flags that keep exports alive."},
		{CodeImport, "import refused", "A module may import only the functions of featurehost_v1 and, if its manifest says wasi = \"preview1\", the listed functions of wasi_snapshot_preview1. It gets no files and no network."},
		{CodeManifest, "manifest missing or malformed", "A plugin carries exactly one custom section featurehost.manifest with a JSON manifest of at most 64 KiB. Add it with `featurehost plugin pack`, and correct what the message names. A process plugin has it in the file manifest.json beside its program, which must describe itself by the same."},
		{CodeFeature, "wasm feature not supported", "The module uses threads, tail calls, exceptions, memory64, several memories, GC or relaxed SIMD. Build it for Wasm 2.0 (bulk memory and SIMD128 are fine)."},
		{CodeTooLarge, "module too large", "A module may have at most 64 MiB, a function body 1 MiB, a table 1 million elements; types, functions, globals, exports, segments, names, locals and the branches of a function have caps, too (ABI-W-067), far beyond what compilers write: the message says which. Strip the module, optimise for size, or cut the function named."},
		{CodeReserved, "reserved export name", "Export names that begin with __featurehost belong to the host, and a module may not reach for what the host adds to it to count its work. Rename the export, or rebuild the module: it is not what a compiler writes."},
		{CodeCompile, "module does not compile", "The engine refused the module: it is not valid WebAssembly, or uses what the engine lacks. The message gives the engine's words."},
		{CodeDigest, "digest differs from the lock", "The sha256 of the plugin, a module's file or a program's folder, is not the one in plugins.lock. Restore the plugin from where it is kept. Only when the change is meant, and every plugin that changed was looked at (`featurehost plugin lock --check` lists them), give `featurehost plugin lock` again: it takes in all that lies in the folder. A plugin that was built anew, by another compiler for example, has other bytes, too."},
		{CodeGrant, "grant missing", "Reserved: nothing raises it in this version. What a plugin may do beside computing follows from what it is (a module, or a program) and stands in plugins.lock as its grants."},

		{CodeConfig, "config refused", "The stage's config does not meet the config_schema of the plugin's manifest, or the plugin itself refused it in fh_init (a program: in bind). Every key at fault is named with its path. It is also the code of a stage that does not fit its plugin: a keyed plugin without keys and time, or with an on_error other than \"fail\", since it keeps state between rows, so none can be left out; keys for one that is not keyed; mtls for a module."},
		{CodeInputSchema, "input columns do not fit", "A column that the manifest asks for is missing, has another type, or has a type that cannot cross into a plugin. Rename or cast it in a stage before, or bind it by its config key."},
		{CodeOutputSchema, "output schema refused", "The schema that fh_init answered differs from the manifest, or holds a type that cannot cross, or a column name that is not allowed."},
		{CodeNameClash, "column name clash", "A plugin may replace an input column only by declaring an output column of that name; two output columns may not share a name, and names that begin with fh_ are reserved."},
		{CodeInit, "fh_init failed", "The plugin returned an error, or trapped, before the first batch. The message holds what it said."},

		{CodeData, "plugin rejected its data", "The plugin says that rows are at fault: a module answered with a data status, a program with a data error, such as DataError of the SDKs. The message holds what it said. Or a batch has a null in a column that the plugin's manifest calls non-nullable: filter out or replace the nulls in a stage before."},
		{CodeTrap, "trap", "The plugin crashed: unreachable code, an access outside its memory, a division by zero. Its instance is discarded. Run the rows named through the plugin's own tests."},
		{CodeFuel, "out of fuel", "The plugin did more work on a batch than limits.fuel_base and limits.fuel_per_row of the stage allow: a loop without an end, or a function that is costly for these rows. The same rows burn the same fuel on every machine. Run them through the plugin's own tests; if the work is wanted, raise the limits. The summary of a run in which nothing failed tells what the plugin burns per row."},
		{CodeMemory, "out of guest memory", "The plugin could not get the memory for a batch within its cap. Raise limits.memory of the stage or lower limits.max_batch_rows."},
		{CodeTimeout, "out of time", "The plugin took longer for a batch than limits.timeout of the stage, in its own code and in host functions together. The machine may be overloaded; else raise limits.timeout or lower limits.max_batch_rows."},
		{CodeStack, "call stack exhausted", "The plugin recursed too deeply: without an end, or once for each level of deeply nested values. Turn the recursion into a loop, or bound its depth and call deeper rows an error of the data. The rows follow the stage's on_error."},
		{CodeMisuse, "protocol misuse", "The plugin called a host function with arguments that are not allowed: a text or a buffer outside its memory, a counter whose name is not made of a-z 0-9 _, counters of more than 64 names, an addition that is no finite number (a program: in its metrics). The message says which. The rows follow the stage's on_error. Correct the plugin."},
		{CodeLogFlood, "log flood", "The plugin logged more than limits.log_lines allows; the surplus was dropped and counted. The run is not affected. Log once for a batch and not for each row, or raise limits.log_lines for a while."},
		{CodeCircuit, "too many rows rejected", "A stage failed on too many rows, or on too many batches one after the other, so that the plugin rather than the data is likely at fault, or its process had to be started again 5 times within 10 minutes: the run was stopped and nothing was published. With on_error = \"dead_letter\" the letters hold the rows that failed: `featurehost deadletter show PIPELINE.toml`. With \"skip\" nothing of them is kept: set \"dead_letter\" and run again to see them. Correct the plugin; if that many bad rows are expected, raise the stage's circuit, as in circuit = { rejected = 0.05 }."},

		{CodeHandshake, "handshake failed", "The program of a process plugin could not be started, ended before it had said where it listens, or said something else. The message holds what it wrote last, and the hint where the program is, its mode, its owner and the machine it was built for. Start it by hand: a plugin made with an SDK then explains itself. Nothing may be printed to stdout before the handshake."},
		{CodeProtocol, "protocol version not supported", "The handshake of a process plugin names a version of the protocol, or a protocol, that this host does not speak. Rebuild the plugin with an SDK of this ABI version, or use another host."},
		{CodeStart, "no handshake in time", "The program of a process plugin was started and did not say where it listens within 20 seconds. Start it by hand to see what it waits for; a cold disk or a large import in Python can be the reason, too."},
		{CodeExited, "process ended", "The process of a plugin ended while it was needed: it crashed, was killed (by the kernel when memory ran out, for example), or gave up. Its exit status and the end of its stderr are in the message. The batch follows the stage's on_error; a new process serves the next one."},
		{CodeDeadline, "no answer in time", "A process plugin did not acknowledge a batch within limits.timeout of the stage (60 seconds unless set). It was killed. Raise limits.timeout or lower limits.max_batch_rows if the plugin needs that long; else it hangs on the rows named."},
		{CodeStream, "stream broken", "The stream between host and plugin ended or broke while a batch was under way, or held what is no Arrow message. This is a defect of the plugin or of its SDK, unless its process was killed from outside."},
		{CodeMessage, "message too large", "One row alone is larger than a message to the plugin may be, or the plugin answered with a larger message. The limit is 3 MiB, or max_message_bytes of the plugin's manifest. A plugin may answer a batch with several messages; the SDKs cut them."},
		{CodeBadBatch, "plugin failed on a batch", "The plugin answered a batch with an error that it calls its own: an exception, a panic, or a status that says the batch is poison. The message holds what it said. Run the rows named through the plugin's own tests."},
		{CodeAck, "wrong acknowledgement", "A process plugin acknowledged a batch that it was not given, or one twice, or wrote metadata that is not of the protocol. This is a defect of the plugin or of its SDK."},
		{CodeStdout, "stdout after the handshake", "A process plugin wrote to stdout after its handshake, where nobody may read it. Send all output to stderr: the SDKs point descriptor 1 at descriptor 2, which also catches what libraries print."},
		{CodeKilled, "killed at shutdown", "A process plugin did not end within 5 seconds of being asked to, and was killed with all that it had started. The run is not affected: its answers were all there."},
	}
}
