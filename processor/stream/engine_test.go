package stream

import (
	"testing"
	"time"
)

func TestEveryRecordOnce(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		values := numbered("a", 50)
		k.send(0, values...)
		p := k.start(newUpper())
		k.awaitPublished(values...)
		k.awaitCommitted(0, 50)
		p.stop()
		again := newUpper()
		p = k.start(again)
		time.Sleep(5 * time.Second)
		p.stop()
		if redone := again.log(&again.processed); len(redone) > 0 {
			t.Errorf("after a restart %v were processed again", redone)
		}
	})
}
