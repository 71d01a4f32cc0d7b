// Package fuel rewrites a module so that it counts its own work and stops when
// a budget is spent. It turns bytes into bytes and runs nothing.
//
// Its one idea: every cycle of a program passes the head of a loop or the entry
// of a function. A check at those places alone stops whatever would run for
// ever, and costs a few instructions where a check in the engine would cost a
// call into the host.
//
//   - F1: the module gets two more globals, the tank and its reserve, exported
//     as Export and Reserve, and a function that fills one from the other, up to
//     Slice. The host fills them before a call and reads them after; a trap with
//     less than nothing in both is exhausted fuel.
//   - F2: nothing else changes: results, memory, tables, globals and traps are
//     those of the module as it was. Indices stay. Only tables end at
//     MaxTable, as if the module had said so.
//   - F3: a module cannot reach its tank. An index that the original did not
//     have is refused, wherever it stands.
//   - F4: what is burnt depends on the module and its input alone, not on the
//     machine, nor on the engine.
//   - F5: an instruction that is not known is refused, never copied: its
//     immediates might hide a loop.
//   - F6: a guest steps aside at every slice, whatever it does. Compiled code is
//     nothing that Go can interrupt: without that a collection that begins while
//     a guest spins would stop every goroutine, a watchdog's too, until the guest
//     ends.
//
// It does not validate a module: types and stack heights are the engine's work.
// What it adds is stack-neutral, so a module is valid after exactly if it was
// before.
package fuel
