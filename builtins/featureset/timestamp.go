package featureset

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/mask"
	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/host/fault"
)

const timestampPlace = "feature_set.timestamp"

// timestampSource is the column the event time is read from.
func (s *Set) timestampSource() string {
	if from := s.cfg.Timestamp.From; from != "" {
		return from
	}
	return timestampColumn
}

// compileTimestamp adds the reading of the event time (S-604) and gives the
// slot it is read from, its own, and what a value that cannot be read is told.
func (s *Set) compileTimestamp(sc *scope) (from, at int, complaint string, err error) {
	name, place := s.timestampSource(), timestampPlace+".from"
	if s.cfg.Timestamp.From == "" {
		place = timestampPlace
	}
	if from, err = sc.resolve(name, place); err != nil {
		return 0, 0, "", err
	}
	typ := sc.slots[from].typ
	unit, pattern := s.cfg.Timestamp.Unit, s.cfg.Timestamp.Mask
	refuse := func(at, why string) *fault.Error {
		return fault.New(BadTimestamp, "column %q is %s: %s", name, schema.TypeName(typ), why).At("%s", at)
	}
	complaint = fmt.Sprintf("column %q holds no instant of the years 0001-9999", name)
	switch typ.ID() {
	case arrow.TIMESTAMP, arrow.DATE32:
		if unit != "" {
			return 0, 0, "", refuse(timestampPlace+".unit", "a unit is for numbers").WithHint("remove unit")
		}
		if pattern != "" {
			return 0, 0, "", refuse(timestampPlace+".mask", "a mask is for texts").WithHint("remove mask")
		}
	case arrow.STRING:
		if unit != "" {
			return 0, 0, "", refuse(timestampPlace+".unit", "a unit is for numbers").
				WithHint("give a mask, or make the column a number in [query]")
		}
		if pattern != "" {
			m, err := mask.Parse(pattern)
			if err != nil {
				return 0, 0, "", fault.Wrap(err, BadTimestamp, "the mask cannot be read").At(timestampPlace + ".mask")
			}
			at = sc.add(slot{typ: schema.Timestamp()})
			sc.do(castStep{cast: cast.Texts(schema.Timestamp(), m.Micros), name: timestampColumn, from: from, to: at}, []int{from}, at)
			return from, at, fmt.Sprintf("a text in column %q does not match the mask %q", name, pattern), nil
		}
		complaint = fmt.Sprintf("a text in column %q is not written as 2026-01-31 10:00:00", name)
	case arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128:
		digits, ok := map[string]int{"s": 6, "ms": 3, "us": 0}[unit]
		if !ok {
			return 0, 0, "", refuse(place, "its unit is not known").
				WithHint(`add unit = "s", "ms" or "us" to timestamp`)
		}
		if pattern != "" {
			return 0, 0, "", refuse(timestampPlace+".mask", "a mask is for texts").WithHint("remove mask")
		}
		c, _ := cast.Epoch(typ, digits)
		at = sc.apply(c, from, timestampColumn)
		if (typ.ID() == arrow.INT32 || typ.ID() == arrow.INT64) && !s.keepsNullTimestamps() {
			// Rows whose number is no instant do not get far, so among the others
			// different numbers are different instants.
			sc.slots[at].stands = sc.slots[from].stands
		}
		return from, at, complaint, nil
	default:
		return 0, 0, "", refuse(place, "it cannot be a timestamp").
			WithHint("use a timestamp, a date, a text, or a number with a unit")
	}
	at, err = sc.convert(from, schema.Timestamp(), cast.Rules{}, timestampColumn, place)
	return from, at, complaint, err
}

// keepsNullTimestamps tells whether rows without a timestamp reach Fold.
func (s *Set) keepsNullTimestamps() bool {
	return s.profile.NullTimestamps == Keep && s.cfg.Windows == nil
}
