package stream

import (
	"fmt"
	"strings"
	"testing"
)

// A process that can't work as a member of its group says why, whether its session survives that or not, and stops saying so when it works again.
func TestStatusSaysWhyApart(t *testing.T) {
	tests := map[string]struct {
		lose, mend func(*process, *upper)
		reason     string
	}{
		"the network is cut": {
			func(p *process, _ *upper) { p.link.cut() },
			func(p *process, _ *upper) { p.link.heal() },
			errCut.Error(),
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
			"the ledger was lost",
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
				k.await("it says why it waits", func() bool { return strings.Contains(p.engine.Status().Held, test.reason) })
				test.mend(p, u)
				k.send(0, values[200:]...)
				k.neverPublishedTwice(values...)
				if held := p.engine.Status().Held; held != "" {
					t.Errorf("it still says %q", held)
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
		k.await("it says why it does not join", func() bool { return strings.Contains(p.engine.Status().Held, errCut.Error()) })
		p.link.heal()
		k.await("it joins", func() bool { return p.engine.Status().Held == "" })
		p.stop()
	})
}
