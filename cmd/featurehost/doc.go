// Command featurehost runs feature pipelines. See `featurehost help`.
//
// Exit status:
//
//	0        done
//	1        something after the first row: a bad row, a corrupt file, a trap
//	2        the pipeline file, a flag, a plugin refused at load, a missing file
//	3        a server, a permission, a full disk, an interval held by another run
//	130 143  interrupted by Ctrl-C or SIGTERM; nothing is half written
//
// Results go to stdout, everything else to stderr. With --json stdout holds
// one object: command, ok, summary, result, error.
package main
