package inquiry

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestMessagesHideEscapedCredentials: a vendor that quotes our key may escape it in its JSON, as PHP does with slashes.
func TestMessagesHideEscapedCredentials(t *testing.T) {
	const key = "abcdefghij/lmnopqrst+vwxyz0123456789ABCD"
	var escaped strings.Builder
	for _, r := range key {
		fmt.Fprintf(&escaped, `\u%04x`, r)
	}
	for name, quoted := range map[string]string{
		"as it is":    key,
		"PHP":         strings.ReplaceAll(key, "/", `\/`),
		"all of it":   escaped.String(),
		"broken up":   key[:20] + `\u200b` + key[20:],
		"at the cut":  strings.Repeat("x", maxMessage-20) + key,
		"in two keys": key + " " + key,
	} {
		body := []byte(`{"code":"000_009","message":"bad key ` + quoted + `"}`)
		answer := codes(nil).classify(401, http.Header{}, body, "", key)
		for n := minCredential; n <= len(key); n++ {
			if strings.Contains(answer.Message, key[:n]) {
				t.Errorf("%s: %q holds %d bytes of the key", name, answer.Message, n)
				break
			}
		}
		if !strings.HasPrefix(answer.Message, "bad key") {
			t.Errorf("%s: %q has lost what it said", name, answer.Message)
		}
	}
}
