package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHoldsAreSeen: every reason to hold intake stands in /readyz, which succeeds all the same, in /statusz and in /metrics; there with 0 while
// it does not hold.
func TestHoldsAreSeen(t *testing.T) {
	admin, intake := idle(t)
	handler := admin.handler()
	get := func(path string) string {
		t.Helper()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
		return w.Body.String()
	}
	for _, reason := range holds {
		series := `chargeresult_intake_held{reason="` + reason + `"} `
		if !strings.Contains(get("/metrics"), series+"0\n") {
			t.Errorf("no series %s0", series)
		}
		intake.Hold(reason, "the cause of "+reason)
		if !strings.Contains(get("/metrics"), series+"1\n") {
			t.Errorf("no series %s1", series)
		}
		for _, path := range []string{"/livez", "/readyz", "/statusz"} {
			if body := get(path); !strings.Contains(body, reason) || !strings.Contains(body, "the cause of "+reason) {
				t.Errorf("%s does not say that intake is held for %s:\n%s", path, reason, body)
			}
		}
		intake.Release(reason)
	}
}
