package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// table keeps what is said of each event, ready made, by key: there are as many keys as topics, or words in the code. It is read for each event, and
// written a few times in a process's life.
type table[K comparable, V any] struct {
	made   atomic.Pointer[map[K]V]
	making sync.Mutex
}

// of returns what there is for a key, or makes it.
func (t *table[K, V]) of(key K, make func(K) V) V {
	if all := t.made.Load(); all != nil {
		if v, ok := (*all)[key]; ok {
			return v
		}
	}
	t.making.Lock()
	defer t.making.Unlock()
	all := map[K]V{}
	if before := t.made.Load(); before != nil {
		if v, ok := (*before)[key]; ok { // somebody was faster
			return v
		}
		maps.Copy(all, *before)
	}
	all[key] = make(key)
	t.made.Store(&all)
	return all[key]
}
