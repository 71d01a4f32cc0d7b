package main

import (
	"context"
	"os"
	_ "time/tzdata" // zones of windows, wherever the program runs
)

func main() {
	os.Exit(doMain(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
