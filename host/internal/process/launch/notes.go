package launch

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/regular"
)

// notes tells what may keep a program from starting: where it is, its mode, its
// owner, what it was built for.
func notes(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Sprintf("program %s: %v", path, err)
	}
	return fmt.Sprintf("program %s, mode %v, %s, %s", path, info.Mode(), owner(info), built(path))
}

// built tells for which machine a program is, or which one runs it.
func built(path string) string {
	here := runtime.GOOS + "/" + runtime.GOARCH
	f, _, err := regular.Open(path)
	if err != nil {
		return "it cannot be read"
	}
	defer f.Close()
	if f, err := elf.NewFile(f); err == nil {
		return fmt.Sprintf("built for %s (this is %s)", strings.TrimPrefix(f.Machine.String(), "EM_"), here)
	}
	if f, err := macho.NewFile(f); err == nil {
		return fmt.Sprintf("built for %s (this is %s)", strings.TrimPrefix(f.Cpu.String(), "Cpu"), here)
	}
	head := make([]byte, 200)
	n, _ := f.ReadAt(head, 0)
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	if !bytes.HasPrefix(line, []byte("#!")) {
		return "neither a program of " + here + " nor a script that begins with #!"
	}
	interpreter, _, _ := strings.Cut(strings.TrimSpace(string(line[2:])), " ")
	if _, err := os.Stat(interpreter); err != nil {
		return fmt.Sprintf("a script for %q, which is not there", contract.Printable([]byte(interpreter)))
	}
	return fmt.Sprintf("a script for %q", contract.Printable([]byte(interpreter)))
}
