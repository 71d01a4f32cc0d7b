package abi

// Offsets of the Arrow C Data Interface structs on wasm32, little endian.
// Pointers are 32 bits wide; both structs are aligned to 8.
const (
	ArrayLength      = 0  // i64
	ArrayNullCount   = 8  // i64
	ArrayOffset      = 16 // i64
	ArrayNBuffers    = 24 // i64
	ArrayNChildren   = 32 // i64
	ArrayBuffers     = 40 // pointer to pointers
	ArrayChildren    = 44 // pointer to pointers
	ArrayDictionary  = 48 // pointer
	ArrayRelease     = 52 // function index
	ArrayPrivateData = 56 // pointer
	ArraySize        = 64 // with 4 bytes of padding at 60

	SchemaFormat      = 0  // pointer
	SchemaName        = 4  // pointer
	SchemaMetadata    = 8  // pointer; 4 bytes of padding at 12
	SchemaFlags       = 16 // i64
	SchemaNChildren   = 24 // i64
	SchemaChildren    = 32 // pointer to pointers
	SchemaDictionary  = 36 // pointer
	SchemaRelease     = 40 // function index
	SchemaPrivateData = 44 // pointer
	SchemaSize        = 48

	// FlagNullable is the bit of ArrowSchema.flags that allows nulls.
	FlagNullable = 2
	// Align is the alignment of both structs.
	Align = 8
	// AllocAlign is the alignment of what fh_alloc answers.
	AllocAlign = 64
)

// Constant is a named number that SDKs share with the host.
type Constant struct {
	Name  string // as SDKs spell it: FH_ARRAY_LENGTH
	Value int
}

// Constants is the one table from which the headers of every SDK language are
// generated, and against which they are tested (ABI-W-021).
func Constants() []Constant {
	return []Constant{
		{"FH_ARRAY_LENGTH", ArrayLength},
		{"FH_ARRAY_NULL_COUNT", ArrayNullCount},
		{"FH_ARRAY_OFFSET", ArrayOffset},
		{"FH_ARRAY_N_BUFFERS", ArrayNBuffers},
		{"FH_ARRAY_N_CHILDREN", ArrayNChildren},
		{"FH_ARRAY_BUFFERS", ArrayBuffers},
		{"FH_ARRAY_CHILDREN", ArrayChildren},
		{"FH_ARRAY_DICTIONARY", ArrayDictionary},
		{"FH_ARRAY_RELEASE", ArrayRelease},
		{"FH_ARRAY_PRIVATE_DATA", ArrayPrivateData},
		{"FH_ARRAY_SIZE", ArraySize},
		{"FH_SCHEMA_FORMAT", SchemaFormat},
		{"FH_SCHEMA_NAME", SchemaName},
		{"FH_SCHEMA_METADATA", SchemaMetadata},
		{"FH_SCHEMA_FLAGS", SchemaFlags},
		{"FH_SCHEMA_N_CHILDREN", SchemaNChildren},
		{"FH_SCHEMA_CHILDREN", SchemaChildren},
		{"FH_SCHEMA_DICTIONARY", SchemaDictionary},
		{"FH_SCHEMA_RELEASE", SchemaRelease},
		{"FH_SCHEMA_PRIVATE_DATA", SchemaPrivateData},
		{"FH_SCHEMA_SIZE", SchemaSize},
		{"FH_FLAG_NULLABLE", FlagNullable},
		{"FH_ALIGN", Align},
		{"FH_ALLOC_ALIGN", AllocAlign},
		{"FH_ABI_VERSION", int(Version{1, 0}.Word())},
		{"FH_OK", int(StatusOK)},
		{"FH_ERR_DATA", int(StatusData)},
		{"FH_ERR_CONFIG", int(StatusConfig)},
		{"FH_ERR_SCHEMA", int(StatusSchema)},
		{"FH_ERR_MEMORY", int(StatusMemory)},
		{"FH_ERR_UNSUPPORTED", int(StatusUnsupported)},
		{"FH_ERR_STATE", int(StatusState)},
	}
}

// Layout gives Constants by name.
func Layout() map[string]int {
	m := map[string]int{}
	for _, c := range Constants() {
		m[c.Name] = c.Value
	}
	return m
}
