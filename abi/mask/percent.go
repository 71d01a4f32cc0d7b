package mask

import "fmt"

// percent compiles a strftime pattern.
func (m *Mask) percent(p string) error {
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			m.addLiteral(p[i : i+1])
			continue
		}
		i++
		if i == len(p) {
			return fmt.Errorf("ends in a lone %%: write %%%% for the sign itself")
		}
		if p[i] == '-' {
			i++
			if i == len(p) {
				return fmt.Errorf("ends in %%-")
			}
			if !m.unpadded(p[i]) {
				return fmt.Errorf("%%-%c is not known: - goes before m d H I M S j", p[i])
			}
			continue
		}
		if err := m.directive(p[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mask) unpadded(c byte) bool {
	switch c {
	case 'm':
		m.add(month, 1, 2)
	case 'd':
		m.add(day, 1, 2)
	case 'H':
		m.add(hour, 1, 2)
	case 'I':
		m.add(hour12, 1, 2)
	case 'M':
		m.add(minute, 1, 2)
	case 'S':
		m.add(second, 1, 2)
	case 'j':
		m.add(dayOfYear, 1, 3)
	default:
		return false
	}
	return true
}

func (m *Mask) directive(c byte) error {
	switch c {
	case 'Y':
		m.add(year, 4, 4)
	case 'y':
		m.add(year2, 2, 2)
	case 'm':
		m.add(month, 2, 2)
	case 'B':
		m.add(monthName, 0, 0)
	case 'b', 'h':
		m.add(monthShort, 0, 0)
	case 'd':
		m.add(day, 2, 2)
	case 'e':
		m.add(dayPadded, 2, 2)
	case 'j':
		m.add(dayOfYear, 3, 3)
	case 'A':
		m.add(weekdayName, 0, 0)
	case 'a':
		m.add(weekdayShort, 0, 0)
	case 'H':
		m.add(hour, 2, 2)
	case 'I':
		m.add(hour12, 2, 2)
	case 'p':
		m.add(half, 0, 0)
	case 'M':
		m.add(minute, 2, 2)
	case 'S':
		m.add(second, 2, 2)
	case 'f':
		m.add(fraction, 1, 9)
	case 's':
		m.add(epoch, 1, 12)
	case 'z':
		m.add(offset, 0, 0)
	case 'Z':
		m.add(zoneName, 0, 0)
	case 'F':
		return m.percent("%Y-%m-%d")
	case 'T':
		return m.percent("%H:%M:%S")
	case 'R':
		return m.percent("%H:%M")
	case 'D':
		return m.percent("%m/%d/%y")
	case '%':
		m.addLiteral("%")
	default:
		return fmt.Errorf("%%%c is not known: %%Y %%y %%m %%b %%B %%d %%e %%j %%a %%A %%H %%I %%p %%M %%S %%f %%s %%z %%Z %%F %%T %%R %%D %%%% are", c)
	}
	return nil
}
