package launch

import (
	"bufio"
	"io"
	"strings"
	"sync"

	"github.com/featurehost/featurehost/host/internal/contract"
)

// Limits of what is kept of stderr.
const (
	maxTail  = 64 << 10
	maxLine  = 4 << 10
	lastRows = 12 // lines that an error shows
)

// tail keeps the end of what a program writes to stderr.
type tail struct {
	tell func(string)

	mu   sync.Mutex
	text []byte
}

func newTail(tell func(string)) *tail { return &tail{tell: tell} }

// read reads to the end, line by line; what is too long for a line is dropped.
func (t *tail) read(r io.Reader) {
	b := bufio.NewReaderSize(r, maxLine)
	rest := false // of a line that was too long
	for {
		line, err := b.ReadSlice('\n')
		if text := strings.TrimRight(string(line), "\r\n"); !rest && text != "" {
			t.keep(contract.Printable([]byte(text)))
		}
		rest = err == bufio.ErrBufferFull //nolint:errorlint // ReadSlice wraps nothing
		if err != nil && !rest {
			return
		}
	}
}

func (t *tail) keep(line string) {
	t.mu.Lock()
	t.text = append(append(t.text, line...), '\n')
	if len(t.text) > 2*maxTail {
		t.text = append(t.text[:0], t.text[len(t.text)-maxTail:]...)
	}
	t.mu.Unlock()
	if t.tell != nil {
		t.tell(line)
	}
}

func (t *tail) words() Words {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text[max(0, len(t.text)-maxTail):]
	if len(text) < len(t.text) {
		_, text, _ = cut(text) // not from the middle of a line
	}
	return Words{string(text)}
}

func cut(b []byte) (line, rest []byte, ok bool) {
	i := strings.IndexByte(string(b), '\n')
	if i < 0 {
		return b, nil, false
	}
	return b[:i], b[i+1:], true
}

// Words are the end of what a program wrote to stderr, at most 64 KiB. As an
// error they show their last lines.
type Words struct{ Text string }

// Error implements error.
func (w Words) Error() string {
	lines := strings.Split(strings.TrimRight(w.Text, "\n"), "\n")
	left := len(lines) - lastRows
	if left <= 0 {
		return "its stderr ended with:\n" + strings.Join(lines, "\n")
	}
	return "its stderr ended with:\n" + strings.Join(lines[left:], "\n")
}

// Last gives the last line, ready to be appended to a message.
func (w Words) Last() string {
	text := strings.TrimRight(w.Text, "\n")
	if text == "" {
		return ""
	}
	line := text[strings.LastIndexByte(text, '\n')+1:]
	return ": " + strings.ToValidUTF8(line[:min(len(line), 300)], "")
}
