package config

// Kind is what the value of a key must be.
type Kind int

// The kinds.
const (
	KindString    Kind = iota
	KindInt            // a whole number
	KindFloat          // a number
	KindBool           // true or false
	KindSize           // "512MiB", or a number of bytes
	KindTime           // "7 days"
	KindWait           // "2s", "500ms"
	KindType           // "bigint"
	KindStrings        // a list of strings
	KindTimes          // a list of "7 days"
	KindTypes          // a table of name = type
	KindFields         // a table of name = type, or of tables, which are structs
	KindTexts          // a table of old = "new"
	KindNames          // a name, or a list of names
	KindInts           // a list of whole numbers
	KindValue          // a text, a number or a boolean
	KindValues         // a list of texts, numbers or booleans
	KindRows           // a list of "3 events"
	KindFunctions      // a name, { function, type }, or a list of these
	KindTable          // a table
	KindTables         // a table that may occur several times
	KindFree           // a table whose keys belong to a plugin
	KindAny            // anything: the table's variant, which would say, is not known
)

// String says what is expected, as in "must be a string".
func (k Kind) String() string {
	switch k {
	case KindString:
		return "a string"
	case KindInt:
		return "a whole number"
	case KindFloat:
		return "a number"
	case KindBool:
		return "true or false"
	case KindSize:
		return `a size such as "512MiB"`
	case KindTime:
		return `a length of time such as "7 days"`
	case KindWait:
		return `a short time such as "500ms", "2s" or "1m"`
	case KindType:
		return `a type such as "bigint"`
	case KindStrings:
		return "a list of strings"
	case KindTimes:
		return `a list of lengths of time such as ["7 days"]`
	case KindTypes:
		return `a table of types such as { id = "bigint" }`
	case KindFields:
		return `a table of types such as { id = "bigint", place = { lat = "double" } }`
	case KindTexts:
		return `a table of texts such as { old = "new" }`
	case KindNames:
		return "a name or a list of names"
	case KindInts:
		return "a list of whole numbers"
	case KindValue:
		return "a text, a number or a boolean"
	case KindValues:
		return "a list of texts, numbers or booleans"
	case KindRows:
		return `a list of numbers of rows such as ["3 events"]`
	case KindFunctions:
		return "the name of a function, a table such as { function, type }, or a list of these"
	case KindTable, KindFree:
		return "a table"
	case KindAny:
		return "anything"
	default:
		return "an array of tables"
	}
}

// KeyDoc declares one key of the pipeline file: what the reader accepts, what
// the reference page says.
type KeyDoc struct {
	Name     string
	Kind     Kind
	Doc      string // one line
	Default  string // as written in the file; empty for none
	Required bool
	Later    bool     // known, but not built in this version
	Values   []string // the values allowed; nil for any
	// LaterValues are values that are known, but not built.
	LaterValues []string
	Min, Max    int64 // of a KindInt, KindInts or KindSize; both 0 for no bounds

	Keys []KeyDoc // of a table
	// By names the key whose value adds the keys of one of Variants.
	By       string
	Variants []Variant
}

// Variant is a kind of table: a reader of type "file", a stage that uses
// "filter".
type Variant struct {
	Value string // "" stands for any other value
	Later bool
	Keys  []KeyDoc
}

// allKeys gives the keys of every variant, each name once, none required: for
// a table whose variant is not known.
func (k KeyDoc) allKeys() []KeyDoc {
	out := append([]KeyDoc(nil), k.Keys...)
	for _, v := range k.Variants {
		for _, key := range v.Keys {
			if known := lookup(out, key.Name); known != nil {
				if known.Kind != key.Kind {
					known.Kind = KindAny // variants differ
				}
				continue
			}
			key.Required = false
			out = append(out, key)
		}
	}
	return out
}

func lookup(keys []KeyDoc, name string) *KeyDoc {
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i]
		}
	}
	return nil
}
