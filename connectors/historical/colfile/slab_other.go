//go:build !unix

package colfile

func mapSlab(size int) ([]byte, error) { return make([]byte, size), nil }

func unmapSlab([]byte) {}
