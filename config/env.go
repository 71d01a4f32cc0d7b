package config

import "strings"

// envValue is what a variable held; it must not be printed.
type envValue struct{ name, value string }

// envError says what is wrong with a reference to the environment. It never
// holds a value.
type envError struct{ message, hint string }

// expand replaces ${NAME} and ${NAME:-default} in s. The default is taken when
// the variable is unset or empty, as a shell does. $${ stands for ${. It
// returns all that is wrong, and what it read.
func expand(s string, getenv func(string) (string, bool)) (string, []envValue, []envError) {
	if !strings.Contains(s, "${") {
		return s, nil, nil
	}
	var out strings.Builder
	var read []envValue
	var errs []envError
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			out.WriteString(s)
			return out.String(), read, errs
		}
		if i > 0 && s[i-1] == '$' {
			out.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		out.WriteString(s[:i])
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			errs = append(errs, envError{`"${" without "}"`, `write ${NAME}, or $${ for a literal "${"`})
			return out.String(), read, errs
		}
		ref := s[i+2 : i+end]
		s = s[i+end+1:]
		name, fallback, hasFallback := strings.Cut(ref, ":-")
		if !variableName(name) {
			errs = append(errs, envError{`"${...}" does not hold the name of an environment variable`,
				`a name has letters, digits and "_"; write $${ for a literal "${"`})
			continue
		}
		value, ok := getenv(name)
		switch {
		case hasFallback && (!ok || value == ""):
			out.WriteString(fallback)
		case !ok:
			errs = append(errs, envError{`environment variable "` + name + `" is not set`,
				"set it, or give a default: ${" + name + ":-...}"})
		default:
			out.WriteString(value)
			if value != "" {
				read = append(read, envValue{name, value})
			}
		}
	}
}

func variableName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}
