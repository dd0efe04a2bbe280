package inquiry

import "sync"

// news is what someone is to be told: in order, one at a time, with no lock held. Its owner's lock guards it.
type news[T any] struct {
	untold  []T
	telling bool // someone tells, and will tell what is added meanwhile
}

func (n *news[T]) add(what T) { n.untold = append(n.untold, what) }

// unlock releases its owner's lock, which is held, and tells what was added under it.
func (n *news[T]) unlock(mu *sync.Mutex, tell func(T)) {
	if !n.telling {
		n.telling = true
		for len(n.untold) > 0 {
			what := n.untold[0]
			n.untold = n.untold[1:]
			mu.Unlock()
			tell(what)
			mu.Lock()
		}
		n.telling = false
	}
	mu.Unlock()
}
