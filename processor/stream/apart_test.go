package stream

import (
	"fmt"
	"strings"
	"testing"
)

// A process that can't work as a member of its group says why, whether its session survives that or not, and stops saying so when it works again.
func TestStatusSaysWhyApart(t *testing.T) {
	tests := map[string]struct {
		lose, mend    func(*process, *upper)
		reason, cause string
	}{
		"the network is cut": {
			func(p *process, _ *upper) { p.link.cut() },
			func(p *process, _ *upper) { p.link.heal() },
			HeldByGroup, errCut.Error(),
		},
		"admission no longer holds, and is refused": {
			func(_ *process, u *upper) {
				refuse := fmt.Errorf("%w: the ledger was lost", ErrNotAdmitted)
				u.setAdmit(func(int32, []*Message) error { return refuse })
				u.setConfirm(func([]*Message) error { return refuse })
			},
			func(_ *process, u *upper) {
				u.setAdmit(nil)
				u.setConfirm(nil)
			},
			HeldByAdmission, "the ledger was lost",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				values := numbered("tick", 400)
				k.send(0, values[:200]...)
				u := newUpper()
				p := k.start(u)
				k.await("it is busy", func() bool { return len(u.log(&u.processed)) > 50 })
				test.lose(p, u)
				k.await("it says why it waits", func() bool { return strings.Contains(p.held(test.reason), test.cause) })
				test.mend(p, u)
				k.send(0, values[200:]...)
				k.neverPublishedTwice(values...)
				if holds := p.engine.Status().Holds; len(holds) > 0 {
					t.Errorf("it still says %v", holds)
				}
				p.stop()
			})
		})
	}
}

// So does one that never got as far as to join.
func TestStatusSaysWhyNotJoined(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		p := k.start(newUpper())
		p.link.cut()
		k.await("it says why it does not join", func() bool { return strings.Contains(p.held(HeldByGroup), errCut.Error()) })
		p.link.heal()
		k.await("it joins", func() bool { return len(p.engine.Status().Holds) == 0 })
		p.stop()
	})
}
