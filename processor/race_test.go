//go:build race

package processor_test

// underRace: the race detector makes everything ten times slower, and needs fewer days to see what it is there for.
const underRace = true
