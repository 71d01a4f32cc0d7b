package mask

// word reads a name or a zone from the head of t and tells how many bytes it
// takes; 0 when there is none.
func (f *fields) word(k kind, t string) int {
	switch k {
	case monthName, monthShort:
		for i, name := range [...]string{"january", "february", "march", "april", "may", "june",
			"july", "august", "september", "october", "november", "december"} {
			if k == monthShort {
				name = name[:3]
			}
			if hasFold(t, name) {
				f.month = i + 1
				return len(name)
			}
		}
	case weekdayName, weekdayShort:
		for _, name := range [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
			if k == weekdayShort {
				name = name[:3]
			}
			if hasFold(t, name) {
				return len(name)
			}
		}
	case half:
		if hasFold(t, "am") {
			f.half = 1
			return 2
		}
		if hasFold(t, "pm") {
			f.half = 2
			return 2
		}
	case zoneName:
		if hasFold(t, "utc") || hasFold(t, "gmt") {
			return 3
		}
		if len(t) > 0 && t[0] == 'Z' {
			return 1
		}
	default:
		return f.zone(k, t)
	}
	return 0
}

// zone reads Z or a signed offset.
func (f *fields) zone(k kind, t string) int {
	if t == "" {
		return 0
	}
	if t[0] == 'Z' {
		return 1
	}
	if t[0] != '+' && t[0] != '-' {
		return 0
	}
	h, ok := twoDigits(t, 1)
	if !ok || h > 18 {
		return 0
	}
	n, m := 3, 0
	if k != offsetHH {
		at := 3
		colon := len(t) > 3 && t[3] == ':'
		if colon {
			at = 4
		}
		if v, two := twoDigits(t, at); two {
			if colon && k == offsetHHMM || !colon && k == offsetColon || v > 59 {
				return 0
			}
			n, m = at+2, v
		} else if k != offset || colon {
			return 0
		}
	}
	f.offsetSeconds = h*3600 + m*60
	if t[0] == '-' {
		f.offsetSeconds = -f.offsetSeconds
	}
	return n
}

func twoDigits(t string, at int) (int, bool) {
	if len(t) < at+2 {
		return 0, false
	}
	a, b := t[at]-'0', t[at+1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// hasFold reports whether t begins with the lower-case ASCII word, in any case.
func hasFold(t, word string) bool {
	if len(t) < len(word) {
		return false
	}
	for i := 0; i < len(word); i++ {
		if t[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}
