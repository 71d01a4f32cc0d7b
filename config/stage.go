package config

import (
	"strings"
	"time"
)

func (d *decoder) stages(tables []*table) []Stage {
	var out []Stage
	for _, t := range tables {
		s := Stage{Use: t.val("use"), Where: t.val("where")}
		d.notEmpty(t, "use", "where")
		switch s.Use {
		case "replace":
			s.Replace = d.replace(t)
		case "forward_fill":
			s.ForwardFill = d.forwardFill(t)
		case "pivot":
			s.Pivot = d.pivotStep(t)
		case "explode_json":
			s.ExplodeJSON = d.explodeJSON(t)
		default:
			s.Config, _ = get[map[string]any](t, "config")
			s.Keys = t.names("keys")
			s.Time = t.val("time")
			d.notEmpty(t, "time")
			if l, ok := get[*table](t, "limits"); ok {
				s.Limits = d.limits(l)
			}
			s.MTLS, _ = get[bool](t, "mtls")
			s.OnError = t.val("on_error")
			if c, ok := get[*table](t, "circuit"); ok {
				s.Circuit = d.circuit(c)
				d.circuitAlone(t)
			}
		}
		out = append(out, s)
	}
	return out
}

func (d *decoder) limits(t *table) Limits {
	var l Limits
	l.Memory, _ = get[ByteSize](t, "memory")
	if f, ok := get[float64](t, "output_ratio"); ok {
		if f <= 0 {
			d.bad(join(t.path, "output_ratio"), atValue, BadValue, "", `"output_ratio" %s must be above 0`, tableName(t.path))
		}
		l.OutputRatio = f
	}
	n, _ := get[int64](t, "max_batch_rows")
	l.MaxBatchRows = int(n)
	n, _ = get[int64](t, "log_lines")
	l.LogLines = int(n)
	l.FuelBase, _ = get[int64](t, "fuel_base")
	l.FuelPerRow, _ = get[int64](t, "fuel_per_row")
	l.Timeout, _ = get[time.Duration](t, "timeout")
	return l
}

func (d *decoder) circuit(t *table) Circuit {
	var c Circuit
	if f, ok := get[float64](t, "rejected"); ok {
		if !(f > 0 && f <= 1) {
			d.bad(join(t.path, "rejected"), atValue, BadValue, "", `"rejected" %s must be above 0 and at most 1`, tableName(t.path))
		}
		c.Rejected = f
	}
	n, _ := get[int64](t, "failures")
	c.Failures = int(n)
	return c
}

// circuitAlone reports a circuit that nothing can open: without rows that are
// left out there are none to count.
func (d *decoder) circuitAlone(t *table) {
	if said := d.has(join(t.path, "on_error")); said && t.val("on_error") != "fail" {
		return
	}
	d.bad(join(t.path, "circuit"), atKey, Contradiction, `add on_error = "dead_letter" or "skip", or remove it`,
		`"circuit" %s has no effect: with on_error = "fail" the first failure ends the run`, tableName(t.path))
}

func (d *decoder) replace(t *table) *Replace {
	d.notEmpty(t, "column")
	r := &Replace{Column: t.val("column")}
	r.Values, _ = get[map[string]string](t, "values")
	return r
}

func (d *decoder) forwardFill(t *table) *ForwardFill {
	d.notEmpty(t, "column", "into")
	column := t.val("column")
	return &ForwardFill{
		PartitionBy: t.names("partition_by"), OrderBy: t.names("order_by"),
		Column: column, Into: or(t.val("into"), column),
	}
}

func (d *decoder) pivotStep(t *table) *PivotStep {
	d.notEmpty(t, "column", "value")
	p := &PivotStep{GroupBy: t.names("group_by"), Column: t.val("column"), Value: t.val("value"), Values: d.values(t, "values")}
	// The original takes a marker, which stands for null while gaps are filled.
	// Here nothing can be mistaken for one, so which it is does not matter.
	mock, given := t.vals["mock"]
	p.Mock = given && mock != false
	p.ForwardFill, _ = get[bool](t, "forward_fill")
	at := join(t.path, "aggregation")
	if fs, ok := get[[]item[writtenFunction]](t, "aggregation"); ok {
		if len(fs) != 1 {
			d.bad(at, atValue, BadValue, `write one, as in aggregation = "first"`, `"aggregation" %s must be one function, found %d`, tableName(t.path), len(fs))
		} else {
			p.Aggregation = fs[0].val.Function
		}
	}
	if d.emptyList(t, "values") {
		d.bad(join(t.path, "values"), atValue, BadValue, "remove it to take the values found in the data", `"values" %s is empty`, tableName(t.path))
	}
	if p.Mock && !p.ForwardFill {
		d.bad(join(t.path, "mock"), atKey, Contradiction, "add forward_fill = true, or remove it", `"mock" keeps nulls from being filled, and nothing is filled`)
	}
	return p
}

// emptyList tells whether a list is there and holds nothing.
func (d *decoder) emptyList(t *table, key string) bool {
	list, ok := get[[]item[any]](t, key)
	return ok && len(list) == 0
}

func (d *decoder) explodeJSON(t *table) *ExplodeJSON {
	d.notEmpty(t, "column")
	e := &ExplodeJSON{Column: t.val("column")}
	fields, ok := get[[]item[Column]](t, "schema")
	if !ok {
		return e
	}
	for _, c := range d.columns(t, fields) {
		if strings.EqualFold(c.Name, e.Column) {
			d.bad(join(join(t.path, "schema"), c.Name), atKey, DuplicateName, "rename the column before", "the field %q has the name of the column it is taken from, which stays", c.Name)
		}
		e.Schema = append(e.Schema, c)
	}
	return e
}
