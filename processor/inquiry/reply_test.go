package inquiry

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor"
)

const sent = "261122103000-00000a1"

var echo = http.Header{"X-Km-Correlation-Id": {sent}}

// row is a reply and what it means.
type row struct {
	name   string
	status int
	body   string
	want   processor.Answer // without Cause
}

func answered(result string) processor.Answer {
	return processor.Answer{Class: processor.Answered, Result: result, Code: "000_000", Message: "Success"}
}

func refused(class processor.Class, code, message, reason string) processor.Answer {
	return processor.Answer{Class: class, Code: code, Message: message, Reason: reason}
}

var (
	notFoundText = "Previous transaction not found."
	invalidText  = "Invalid input parameter. sequenceId"
	down         = processor.Answer{Class: processor.VendorDown}
)

// table has the rows of the reply table, in its order, with the envelopes.
var table = []row{
	{"completed", 200, `{"code":"000_000","message":"Success","result":"COMPLETED"}`, answered("COMPLETED")},
	{"failed", 200, `{"response":{"code":"000_000","description":"Success"},"result":"FAILED"}`, answered("FAILED")},
	{"success under reason", 200, `{"reason":"000_000","message":"Success","result":"COMPLETED"}`, answered("COMPLETED")},
	{"no code", 200, `{"result":"COMPLETED"}`, processor.Answer{Class: processor.Answered, Result: "COMPLETED"}},
	{"null is absent", 200, `{"result":"FAILED","code":null,"error":null}`, processor.Answer{Class: processor.Answered, Result: "FAILED"}},
	{"unknown fields", 200, `{"result":"FAILED","x":[{"result":"COMPLETED"}],"n":1e999}`, processor.Answer{Class: processor.Answered, Result: "FAILED"}},
	{
		"pending", 200, `{"result":"PENDING","response":{"code":"000_000"}}`,
		processor.Answer{Class: processor.NotYet, Result: "PENDING", Code: "000_000"},
	},
	{
		"not found, flat", 400, `{"code":"007_009","message":"Previous transaction not found."}`,
		refused(processor.NotFound, "007_009", notFoundText, ""),
	},
	{
		"not found, under response", 400, `{"response":{"code":"007_009","message":"Previous transaction not found."}}`,
		refused(processor.NotFound, "007_009", notFoundText, ""),
	},
	{
		"not found, under error", 400, `{"error":{"code":"007_009","message":"Previous transaction not found."},"result":null}`,
		refused(processor.NotFound, "007_009", notFoundText, ""),
	},
	{
		"not found, twice the same", 400, `{"code":"007_009","error":{"code":"007_009","message":"Previous transaction not found."}}`,
		refused(processor.NotFound, "007_009", notFoundText, ""),
	},
	{
		"not found, text under reason", 400, `{"code":"007_009","reason":"Previous transaction not found."}`,
		refused(processor.NotFound, "007_009", notFoundText, ""),
	},
	{"not found, 404", 404, `{"code":"007_009"}`, refused(processor.NotFound, "007_009", "", "")},
	{
		"invalid sequence ID", 400, `{"code":"000_002","message":"Invalid input parameter. sequenceId"}`,
		refused(processor.Refused, "000_002", invalidText, "INVALID_SEQUENCE_ID"),
	},
	{
		"invalid something else", 400, `{"code":"000_002","message":"Invalid input parameter. sequenceIdentity"}`,
		refused(processor.Unclear, "000_002", "Invalid input parameter. sequenceIdentity", ""),
	},
	{"invalid, 422", 422, `{"code":"000_002","message":"sequenceId"}`, refused(processor.Unclear, "000_002", "sequenceId", "")},
	{
		"rejected", 400, `{"code":"007_004","message":"Withdraw failure from PG"}`,
		refused(processor.Refused, "007_004", "Withdraw failure from PG", "REJECTED"),
	},
	{"unclear", 400, `{"code":"000_999"}`, refused(processor.Unclear, "000_999", "", "")},
	{"unclear, 404", 404, `{"resultCode":"100_001"}`, refused(processor.Unclear, "100_001", "", "")},
	{"our fault", 401, `{"message":"Invalid X-KM-Tran-Token"}`, refused(processor.OurFault, "", "Invalid X-KM-Tran-Token", "")},
	{"our fault, a page", 403, `<html>`, refused(processor.OurFault, "", "", "")},
	{"our fault, with a code", 401, `{"code":"007_004"}`, refused(processor.OurFault, "007_004", "", "")},
	{"slow down", 429, ``, processor.Answer{Class: processor.SlowDown}},
	{"request timeout", 408, ``, down},
	{"internal error", 500, `{"code":"000_000","result":"COMPLETED"}`, processor.Answer{Class: processor.VendorDown, Code: "000_000"}},
	{"bad gateway", 502, `<html>`, down},
	{"unavailable", 503, ``, down},
	{"top of 5xx", 599, ``, down},
}

func TestClassify(t *testing.T) {
	for _, r := range table {
		got := codes{"007_*"}.classify(r.status, echo, []byte(r.body), sent)
		if (got.Cause != nil) != (r.want.Class == processor.VendorDown) {
			t.Errorf("%s: cause %v", r.name, got.Cause)
		}
		got.Cause = nil
		if got != r.want {
			t.Errorf("%s: %d %s\n got %+v\nwant %+v", r.name, r.status, r.body, got, r.want)
		}
	}
}

// TestStatusOfNobody: what no server can send, and one status that some do.
func TestStatusOfNobody(t *testing.T) {
	for _, status := range []int{-200, 0, 99, 1000} {
		got := codes{"007_*"}.classify(status, echo, []byte(`{"result":"COMPLETED"}`), sent)
		if got.Class != processor.NotAnAnswer || got.Cause == nil {
			t.Errorf("%d: %+v", status, got)
		}
	}
}

func TestEcho(t *testing.T) {
	const body = `{"result":"COMPLETED"}`
	for _, c := range []struct {
		name   string
		status int
		header http.Header
		want   processor.Class
	}{
		{"the same", 200, echo, processor.Answered},
		{"in the other case", 200, http.Header{"X-Km-Correlation-Id": {strings.ToUpper(sent)}}, processor.Answered},
		{"twice the same", 200, http.Header{"X-Km-Correlation-Id": {sent, sent}}, processor.Answered},
		{"missing on a 503", 503, nil, processor.VendorDown},
		{"missing on a 401", 401, nil, processor.OurFault},
	} {
		if got := (codes{}).classify(c.status, c.header, []byte(body), sent); got.Class != c.want {
			t.Errorf("%s: %+v, want class %v", c.name, got, c.want)
		}
	}
	missing := codes{}.classify(400, nil, []byte(`{"code":"007_009"}`), sent)
	if missing.Class != processor.NotFound {
		t.Errorf("missing on a 400: %+v", missing)
	}
}

func TestRetryAfter(t *testing.T) {
	const date = "Sun, 22 Nov 2026 10:30:00 GMT"
	for value, want := range map[string]time.Duration{
		"":                              0,
		"2":                             2 * time.Second,
		"0":                             0,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"301":                           maxRetryAfter,
		"99999999999999999999999999":    maxRetryAfter,
		"Sun, 22 Nov 2026 10:30:30 GMT": 30 * time.Second,
		"Sun, 22 Nov 2026 10:29:00 GMT": 0,
		"Mon, 23 Nov 2026 10:30:00 GMT": maxRetryAfter,
	} {
		header := http.Header{"Retry-After": {value}, "Date": {date}}
		if got := (codes{}).classify(429, header, nil, sent); got.RetryAfter != want || got.Class != processor.SlowDown {
			t.Errorf("%q: %v, want %v", value, got.RetryAfter, want)
		}
	}
	if got := retryAfter(http.Header{"Retry-After": {date}}); got != 0 {
		t.Errorf("a date beside no date: %v", got)
	}
}

func TestMessageIsShortAndPrints(t *testing.T) {
	long := strings.Repeat("가", 200)
	for message, want := range map[string]string{
		"a\\u0000b\\n\\u001b[31mc":     "ab[31mc",
		"\\u202eabc":                   "abc",
		long:                           long[:255],
		strings.Repeat("x", 255) + "é": strings.Repeat("x", 255),
	} {
		got := codes{}.classify(400, echo, []byte(`{"code":"000_999","message":"`+message+`"}`), sent)
		if got.Message != want {
			t.Errorf("%.20q: %q, want %q", message, got.Message, want)
		}
	}
}

func TestRejectedCodes(t *testing.T) {
	list := codes{"007_*", "001_00*", "002_002"}
	for code, want := range map[string]bool{
		"007_001": true, "007_999": true, "001_001": true, "001_010": false, "002_002": true, "002_003": false, "000_000": false,
	} {
		if list.match(code) != want {
			t.Errorf("%s: %v", code, !want)
		}
	}
}
