package mask

import (
	"fmt"
	"strings"
)

// letters compiles a pattern of letters: y M d H m s S and X, text in
// quotes, other signs as they are.
func (m *Mask) letters(p string) error {
	for i := 0; i < len(p); {
		c := p[i]
		switch {
		case c == '\'':
			n, text, err := quoted(p[i:])
			if err != nil {
				return err
			}
			m.addLiteral(text)
			i += n
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n := 1
			for i+n < len(p) && p[i+n] == c {
				n++
			}
			if err := m.run(c, n); err != nil {
				return err
			}
			i += n
		case strings.IndexByte("[]{}#", c) >= 0:
			return fmt.Errorf("%q has a meaning of its own: put it in quotes", c)
		default:
			m.addLiteral(p[i : i+1])
			i++
		}
	}
	return nil
}

// quoted reads a quoted text from the head of p and tells its length; two
// quotes are one.
func quoted(p string) (n int, text string, err error) {
	if strings.HasPrefix(p, "''") {
		return 2, "'", nil
	}
	var b strings.Builder
	for i := 1; i < len(p); i++ {
		if p[i] != '\'' {
			b.WriteByte(p[i])
			continue
		}
		if i+1 < len(p) && p[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return i + 1, b.String(), nil
	}
	return 0, "", fmt.Errorf("the quote is not closed")
}

func (m *Mask) run(c byte, n int) error {
	two := map[byte]kind{'M': month, 'd': day, 'H': hour, 'm': minute, 's': second}
	k, ok := two[c]
	switch {
	case ok && n == 1:
		m.add(k, 1, 2)
	case ok && n == 2:
		m.add(k, 2, 2)
	case c == 'y' && n == 2:
		m.add(year2, 2, 2)
	case c == 'y' && n == 4:
		m.add(year, 4, 4)
	case c == 'y' && n == 1:
		m.add(year, 1, 4)
	case c == 'S' && n <= 9:
		m.add(fraction, uint8(n), uint8(n))
	case c == 'X' && n == 1:
		m.add(offsetHH, 0, 0)
	case c == 'X' && n == 2:
		m.add(offsetHHMM, 0, 0)
	case c == 'X' && n == 3:
		m.add(offsetColon, 0, 0)
	default:
		return fmt.Errorf("%q is not known: yyyy yy MM M dd d HH H mm m ss s S.. X XX XXX are, other letters go in quotes", strings.Repeat(string(c), n))
	}
	return nil
}
