// Package fuel rewrites a module so that it counts its own work and stops when
// a budget is spent. It turns bytes into bytes and runs nothing.
//
// Its one idea: every cycle of a program passes the head of a loop or the entry
// of a function. A check at those places alone stops whatever would run for
// ever, and costs a few instructions where a check in the engine would cost a
// call into the host.
//
//   - F1: the module gets one more global, the tank, exported as Export. The
//     host fills it before a call and reads it after; a trap with a tank below
//     zero is exhausted fuel.
//   - F2: nothing else changes: results, memory, tables, globals and traps are
//     those of the module as it was. Function indices stay.
//   - F3: a module cannot reach its tank. An index that the original did not
//     have is refused, wherever it stands.
//   - F4: what is burnt depends on the module and its input alone, not on the
//     machine, nor on the engine.
//   - F5: an instruction that is not known is refused, never copied: its
//     immediates might hide a loop.
//
// It does not validate a module: types and stack heights are the engine's work.
// What it adds is stack-neutral, so a module is valid after exactly if it was
// before.
package fuel
