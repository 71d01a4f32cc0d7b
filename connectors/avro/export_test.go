package avro

// Pretend makes d believe that its columns hold n bytes.
func (d *Decoder) Pretend(n int) { d.made = n }

// IsJSON reports whether column i of s holds JSON text.
func IsJSON(s *Schema, i int) bool { return asJSON(s.record.Fields()[i].Type()) }
