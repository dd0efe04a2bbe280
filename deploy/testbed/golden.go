package testbed

import (
	"os"
	"testing"
)

// Golden fails the test unless a text is what its golden file says; with update, it writes the file anew first.
func Golden(t testing.TB, path, got string, update bool) {
	t.Helper()
	if update {
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}
