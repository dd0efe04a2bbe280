package testbed

import (
	"net"
	"regexp"
	"testing"
)

func TestFreePorts(t *testing.T) {
	ports, err := freePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if seen[port] || port < 20000 || port >= 30000 {
			t.Errorf("ports %v: want distinct ones from 20000 to 29999", ports)
		}
		seen[port] = true
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			t.Error(err)
			continue
		}
		l.Close()
	}
}

func TestUnique(t *testing.T) {
	legal := regexp.MustCompile(`^TestUnique-[A-Za-z0-9_-]{1,89}$`)
	t.Run("a name/with spaces, dots. and 한글, that is much longer than any topic should be named, really", func(t *testing.T) {
		a, b := Unique(t), Unique(t)
		if a == b || !legal.MatchString(a) || !legal.MatchString(b) {
			t.Errorf("names %q and %q: want legal and distinct ones", a, b)
		}
	})
}
