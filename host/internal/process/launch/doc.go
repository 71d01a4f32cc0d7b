// Package launch starts the program of a process plugin, in a way that it
// cannot outlive the host, learns from it where it listens, and tells why it
// ended.
//
//   - L1: a program gets the environment that Spec names and nothing else of the
//     host's; no terminal; a process group of its own; a private folder for its
//     socket, which is removed when it has ended.
//   - L2: when the program ends, all of its process group is ended, before its
//     number can be given to anybody else.
//   - L3: when the host dies, however it dies, the kernel ends the program
//     (Linux). The signal is bound to the thread that started it, so one thread
//     starts them all and lives as long as the Starter.
//   - L4: what a program writes is bounded in what is kept of it, and never makes
//     it wait.
//
// What is said over the socket is not known here.
package launch
