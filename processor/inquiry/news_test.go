package inquiry

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestNewsIsToldInOrder: while the first is told, which takes its time, others add what they have, and none overtakes it.
func TestNewsIsToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var n news[int]
		var told []int
		telling := false
		tell := func(what int) {
			if telling {
				t.Error("two are told at once")
			}
			telling = true
			time.Sleep(time.Second)
			told = append(told, what)
			telling = false
		}
		for i := range 5 {
			go func() {
				mu.Lock()
				n.add(i)
				n.unlock(&mu, tell)
			}()
			synctest.Wait()
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}
