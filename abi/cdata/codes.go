package cdata

import (
	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// Codes of malformed guest output: FH-40nn is check Vn of abi/SPEC.md.
const (
	BadStatus   fault.Code = 4001 // V1, raised by whoever calls the guest
	OutOfMemory fault.Code = 4002 // V2
	Misaligned  fault.Code = 4003 // V3
	BadShape    fault.Code = 4004 // V4
	BadLength   fault.Code = 4005 // V5
	BadBuffers  fault.Code = 4006 // V6
	BadNulls    fault.Code = 4007 // V7
	BadString   fault.Code = 4008 // V8
	BadOffsets  fault.Code = 4009 // V9
	BadUTF8     fault.Code = 4010 // V10
	BadDecimal  fault.Code = 4011 // V11
	TooMuch     fault.Code = 4012 // V12
	SchemaDrift fault.Code = 4013 // V13, raised by whoever keeps the instances

	// Codes of package abi that are raised here too.
	badInput     fault.Code = abi.CodeInputSchema
	badOutput    fault.Code = abi.CodeOutputSchema
	inputNull    fault.Code = abi.CodeData
	arenaTooFull fault.Code = abi.CodeMemory
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	const discard = " The instance is discarded and the rows follow the stage's on_error; of a keyed plugin the run ends. This is a defect of the plugin or of its SDK: report it to its author with the message."
	return []fault.Doc{
		{Code: BadStatus, Title: "status outside the contract", Explain: "A guest function answered a status that the ABI does not define. Allowed are 0, 1 to 6 and 64 to 127." + discard},
		{Code: OutOfMemory, Title: "address outside guest memory", Explain: "An address in the plugin's output, or an address plus its length, lies outside its memory, or an address that is needed is 0." + discard},
		{Code: Misaligned, Title: "misaligned address", Explain: "A struct or an 8-byte value must lie at a multiple of 8, pointers and offsets at a multiple of 4, other values at a multiple of their size." + discard},
		{Code: BadShape, Title: "wrong number of children", Explain: "The number of children differs from the schema that fh_init answered, a dictionary is present, or the schema is deeper than 8 or has more than 4096 columns." + discard},
		{Code: BadLength, Title: "wrong length", Explain: "A length or offset is negative or too large, a child is shorter than its parent, a map answered another number of rows than it got, or a filter's row numbers are not strictly ascending and in range." + discard},
		{Code: BadBuffers, Title: "wrong number of buffers", Explain: "The type says how many buffers an array has: 2 for numbers and booleans, 3 for utf8 and binary, 2 for lists, 1 for structs." + discard},
		{Code: BadNulls, Title: "wrong null count, or a null where none may be", Explain: "The null count is out of range or differs from the validity bits, or a column that the schema calls non-nullable holds a null. Write null_count -1 if it is not known." + discard},
		{Code: BadString, Title: "malformed name or format", Explain: "A name or a format string is not ended by a NUL within 256 bytes, or is not UTF-8." + discard},
		{Code: BadOffsets, Title: "malformed offsets", Explain: "Offsets of utf8, binary and list columns must begin at 0 or more, never fall, and end inside the data." + discard},
		{Code: BadUTF8, Title: "text is not UTF-8", Explain: "A utf8 column holds bytes that are not UTF-8. Declare the column as binary if it is not text." + discard},
		{Code: BadDecimal, Title: "decimal beyond its precision", Explain: "A decimal128 value has more digits than the column's precision." + discard},
		{Code: TooMuch, Title: "output too large", Explain: "The output would copy more than limits.output_ratio times the input plus 64 MiB. Raise output_ratio if the plugin is meant to widen its rows that much." + discard},
		{Code: SchemaDrift, Title: "schema differs between instances", Explain: "fh_init answered another schema in one instance of a plugin than in another, for the same config and input; or a program sent batches, or the rows of a flush, under another schema than the one that it answered to bind." + discard},
	}
}
