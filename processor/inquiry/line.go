package inquiry

import (
	"context"
	"slices"

	"github.com/chargeresult/chargeresult/processor"
)

// line is those who wait for their turn, in order of arrival. Its owner's lock guards it.
type line[T any] struct {
	waiting []chan T // each with room for its turn: giving it blocks nobody
}

func (l *line[T]) len() int { return len(l.waiting) }

// join puts a newcomer at the end.
func (l *line[T]) join() chan T {
	mine := make(chan T, 1)
	l.waiting = append(l.waiting, mine)
	return mine
}

// give gives the first of the line its turn.
func (l *line[T]) give(turn T) {
	l.waiting[0] <- turn
	l.waiting = slices.Delete(l.waiting, 0, 1)
}

// leave takes someone out of the line; it returns false if the turn was given before.
func (l *line[T]) leave(mine chan T) bool {
	i := slices.Index(l.waiting, mine)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	return i >= 0
}

// await returns the turn that mine is given. If draining is closed or ctx ends before, it calls leave and returns why; but if leave
// returns false, the turn was given, at once or in this moment: whoever need not wait may ask, though draining be closed.
func await[T any](ctx context.Context, draining <-chan struct{}, mine <-chan T, leave func() bool) (T, error) {
	var none T
	var err error
	select {
	case turn := <-mine:
		return turn, nil
	case <-draining:
		err = processor.ErrNotAsked
	case <-ctx.Done():
		err = ctx.Err()
	}
	if leave() {
		return none, err
	}
	return <-mine, nil
}
