package hll

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// Seed is the seed of every hash.
const Seed = 42

// The primes of XXH64.
const (
	prime1 uint64 = 11400714785074694791
	prime2 uint64 = 14029467366897019727
	prime3 uint64 = 1609587929392839161
	prime4 uint64 = 9650029242287828579
	prime5 uint64 = 2870177450012600261
)

// Hash4 is the XXH64 of the four bytes of v, the lowest first.
func Hash4(v uint32) uint64 { return finish(four(short(4), uint64(v))) }

// Hash8 is the XXH64 of the eight bytes of v, the lowest first.
func Hash8(v uint64) uint64 { return finish(eight(short(8), v)) }

// Hash16 is the XXH64 of the sixteen bytes of hi:lo, the lowest first.
func Hash16(lo, hi uint64) uint64 { return finish(eight(eight(short(16), lo), hi)) }

// HashText is the XXH64 of the bytes of s.
func HashText(s string) uint64 {
	if len(s) >= 32 {
		var d xxhash.Digest
		d.ResetWithSeed(Seed)
		_, _ = d.WriteString(s) // never an error
		return d.Sum64()
	}
	h := short(uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		h = eight(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|
			uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
	}
	if len(s) >= 4 {
		h = four(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24)
		s = s[4:]
	}
	for i := range len(s) {
		h = bits.RotateLeft64(h^uint64(s[i])*prime5, 11) * prime1
	}
	return finish(h)
}

// short begins the hash of fewer than 32 bytes. The sum wraps.
func short(n uint64) uint64 {
	seed := uint64(Seed)
	return seed + prime5 + n
}

func eight(h, lane uint64) uint64 {
	h ^= bits.RotateLeft64(lane*prime2, 31) * prime1
	return bits.RotateLeft64(h, 27)*prime1 + prime4
}

func four(h, lane uint64) uint64 {
	return bits.RotateLeft64(h^lane*prime1, 23)*prime2 + prime3
}

func finish(h uint64) uint64 {
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}
