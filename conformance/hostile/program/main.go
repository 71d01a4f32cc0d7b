// Command program is a process plugin that does one thing wrong, of many that
// it knows. The file "mode" beside it says how it starts, "mode" of its config
// how it binds and answers. A mode such as "exit_on_13" strikes at batches alone
// that hold 13 in column x; all others are answered as they should be, with twice
// of each number.
//
// It is written without the SDK, which would not let it:
//
//   - start.go, certificate.go: handshakes
//   - actions.go: describe, bind, health, shutdown
//   - exchange.go, record.go: the stream of batches, and what greets on it
//   - good.go: answers as they should be, and oddities that are allowed
//   - deaths.go: dying, hanging, saying no
//   - words.go: acknowledgements, counts, and stdout
//   - frames.go: messages that are none, or not of the protocol
//   - columns.go: batches that lie about their rows and buffers
//   - late.go: misdeeds behind a good answer
//   - crumbs.go: a connection that says all it says a byte at a time
//   - rows.go: row numbers, of filters and keyed plugins
//   - flush.go: the flush of keyed plugins
//
// Built, it is a plugin once it lies in a folder of its name beside a
// manifest.json: see package hostile, which does that.
package main

import (
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"google.golang.org/grpc"
)

func main() {
	starts := howItStarts()
	socket := filepath.Join(os.Getenv("TMPDIR"), "s")
	line := handshake(starts, socket)
	l, err := net.Listen("unix", socket)
	must(err)
	if starts == "crumbs" {
		l = crumbs{l}
	}
	must(os.WriteFile("pid", []byte(strconv.Itoa(os.Getpid())), 0o600))
	server := grpc.NewServer(grpc.MaxRecvMsgSize(math.MaxInt32), grpc.MaxSendMsgSize(math.MaxInt32))
	flight.RegisterFlightServiceServer(server, &plugin{server: server, starts: starts})
	fmt.Print(line)
	must(server.Serve(l))
	forever() // the server was stopped, on purpose
}

// must ends the program at errors that are no part of any misdeed.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
