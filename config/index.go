package config

// index keeps the place of every key.
type index struct{}
