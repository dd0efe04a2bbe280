package inquiry

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/chargeresult/chargeresult/processor"
)

// codeForm is the form of every Konaplate code.
var codeForm = regexp.MustCompile(`^\d{3}_\d{3}$`)

func FuzzClassify(f *testing.F) {
	for _, r := range table {
		f.Add(r.status, sent, true, []byte(r.body))
	}
	for _, r := range Hostile {
		if len(r.Body) < 1000 {
			f.Add(r.Status, sent, true, []byte(r.Body))
		}
	}
	f.Add(200, strings.ToUpper(sent), true, []byte(`{"result":"COMPLETED"}`))
	f.Add(200, "", false, []byte(`{"result":"COMPLETED"}`))
	f.Fuzz(func(t *testing.T, status int, echoed string, present bool, body []byte) {
		header := http.Header{}
		if present {
			header.Set(headerCorrelationID, echoed)
		}
		got := codes{"007_*"}.classify(status, header, body, sent)
		ours := present && strings.EqualFold(echoed, sent)
		if got.Class == processor.Answered && (status != 200 || !ours || said(t, body) != got.Result) {
			t.Errorf("%d, echo %q: %s: %+v", status, echoed, body, got)
		}
		if got.Class < processor.Answered || got.Class > processor.NotAnAnswer {
			t.Errorf("class %d", got.Class)
		}
		if present && !ours && got.Class != processor.NotAnAnswer {
			t.Errorf("believed a foreign reply: %+v", got)
		}
		if (got.Result != "") != (got.Class == processor.Answered || got.Class == processor.NotYet) {
			t.Errorf("result %q of class %d", got.Result, got.Class)
		}
		if (got.Reason != "") != (got.Class == processor.Refused) {
			t.Errorf("reason %q of class %d", got.Reason, got.Class)
		}
		if failed(got.Class) != (got.Cause != nil) {
			t.Errorf("cause %v of class %d", got.Cause, got.Class)
		}
		if got.Code != "" && !codeForm.MatchString(got.Code) {
			t.Errorf("code %q", got.Code)
		}
		if len(got.Message) > 256 || !utf8.ValidString(got.Message) || strings.ContainsFunc(got.Message, unicode.IsControl) {
			t.Errorf("message %q", got.Message)
		}
	})
}

// said returns the result that a body states beyond doubt, read in another way than open reads it.
func said(t *testing.T, body []byte) string {
	t.Helper()
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if !json.Valid(body) || dec.Decode(&tree) != nil || len(body) > 64<<10 {
		return "no JSON object"
	}
	again, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	// A key that occurs twice is one in the tree.
	if tokens(t, again) != tokens(t, body) {
		return "a key twice"
	}
	if _, encrypted := tree["encData"]; encrypted {
		return "encrypted"
	}
	for _, level := range []any{tree, tree["response"], tree["error"]} {
		fields, ok := level.(map[string]any)
		if !ok && level != nil {
			return "an envelope that is none"
		}
		for _, name := range []string{"code", "resultCode"} {
			if !slices.Contains([]any{nil, "000_000"}, fields[name]) {
				return "another code"
			}
		}
		if reason, _ := fields["reason"].(string); codeForm.MatchString(reason) && reason != "000_000" {
			return "another code"
		}
	}
	result, _ := tree["result"].(string)
	if result != "COMPLETED" && result != "FAILED" {
		return "another result"
	}
	return result
}

func tokens(t *testing.T, body []byte) int {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	for n := 0; ; n++ {
		if _, err := dec.Token(); err != nil {
			return n
		}
	}
}
