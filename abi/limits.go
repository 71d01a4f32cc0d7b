package abi

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits are the caps of a plugin: what its author asks for, or what an
// operator allows. A zero field says nothing.
type Limits struct {
	Memory       int64         // bytes of linear memory per instance
	OutputRatio  float64       // bytes copied out <= ratio x bytes in + CopySlack
	MaxBatchRows int           // rows per call
	LogLines     int           // lines per second and stage
	FuelBase     int64         // fuel per batch, and
	FuelPerRow   int64         // for each of its rows (ABI-W-064)
	Timeout      time.Duration // wall clock per batch
}

// CopySlack is what may be copied out of a guest beyond output_ratio x input.
const CopySlack = 64 << 20

// MinMemory is one page of a guest, MaxMemory the most that a 32-bit one can
// have.
const (
	MinMemory = 64 << 10
	MaxMemory = 4 << 30
)

// MaxFuel is the most that fuel_base and fuel_per_row may say: some minutes of
// work for each row.
const MaxFuel = 1_000_000_000_000

// DefaultLimits are the limits of a plugin that asks for none (ABI-W-060).
func DefaultLimits() Limits {
	return Limits{
		Memory: 64 << 20, OutputRatio: 4, MaxBatchRows: 65536, LogLines: 100,
		FuelBase: 50_000_000, FuelPerRow: 50_000, Timeout: 10 * time.Second,
	}
}

// Under gives the limits in force for what the author asked (l) under the
// caps of an operator: the lesser of both where both speak, the one that
// speaks where one does, else the default.
func (l Limits) Under(operator Limits) Limits {
	d := DefaultLimits()
	return Limits{
		Memory:       under(l.Memory, operator.Memory, d.Memory),
		OutputRatio:  under(l.OutputRatio, operator.OutputRatio, d.OutputRatio),
		MaxBatchRows: under(l.MaxBatchRows, operator.MaxBatchRows, d.MaxBatchRows),
		LogLines:     under(l.LogLines, operator.LogLines, d.LogLines),
		FuelBase:     under(l.FuelBase, operator.FuelBase, d.FuelBase),
		FuelPerRow:   under(l.FuelPerRow, operator.FuelPerRow, d.FuelPerRow),
		Timeout:      under(l.Timeout, operator.Timeout, d.Timeout),
	}
}

func under[T int | int64 | float64 | time.Duration](asked, cap, standard T) T {
	switch {
	case asked == 0 && cap == 0:
		return standard
	case asked == 0:
		return cap
	case cap == 0:
		return asked
	}
	return min(asked, cap)
}

// ParseSize reads a number of bytes: "64MiB", "1GiB", "512KiB", "100B". Units
// are the binary ones, whole numbers only.
func ParseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "BKMGi")
	shift, ok := map[string]uint{"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[s[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 || strings.HasPrefix(digits, "+") || n > (1<<62)>>shift {
		return 0, fmt.Errorf("%q is no size: write a whole number with B, KiB, MiB or GiB, as in \"64MiB\"", s)
	}
	return n << shift, nil
}

// ParseTimeout reads a length of time above zero: "2s", "500ms", "1m".
func ParseTimeout(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no length of time: write a number with ms, s or m, as in \"2s\"", s)
	}
	return d, nil
}
