package binary

// Ids of the sections of a module; tags are beyond Wasm 2.0
// (https://www.w3.org/TR/wasm-core-2/#sections).
const (
	SectionCustom    = 0
	SectionType      = 1
	SectionImport    = 2
	SectionFunction  = 3
	SectionTable     = 4
	SectionMemory    = 5
	SectionGlobal    = 6
	SectionExport    = 7
	SectionStart     = 8
	SectionElement   = 9
	SectionCode      = 10
	SectionData      = 11
	SectionDataCount = 12
	SectionTag       = 13
)

// Kinds of what is imported and exported.
const (
	KindFunction = 0
	KindTable    = 1
	KindMemory   = 2
	KindGlobal   = 3
)

// HeaderSize is how many bytes stand before the first section.
const HeaderSize = 8
