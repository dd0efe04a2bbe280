package inquiry_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

// classes are the names that REPLIES.md has for them.
var classes = map[processor.Class]string{
	processor.Answered: "answered", processor.NotYet: "not yet", processor.NotFound: "not found", processor.Refused: "refused",
	processor.Unclear: "unclear", processor.OurFault: "our fault", processor.SlowDown: "slow down",
	processor.VendorDown: "vendor down", processor.NotAnAnswer: "not an answer",
}

// TestRepliesPage holds REPLIES.md to the tests, and the tests to it: each row names a subtest that exists, each subtest has one row.
func TestRepliesPage(t *testing.T) {
	page, err := os.ReadFile("REPLIES.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented, tested []string // "test class", the class only in the first table
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		name := strings.Trim(strings.TrimSpace(cells[len(cells)-1]), "`")
		switch {
		case !strings.HasPrefix(line, "|") || !strings.HasPrefix(name, "Test"):
		case len(cells) == 4:
			documented = append(documented, name+" "+strings.TrimSpace(cells[1]))
		default:
			documented = append(documented, name)
		}
	}
	for _, r := range replies {
		tested = append(tested, subtest("TestReplyTable", r.name)+" "+classes[r.class])
	}
	for _, d := range doubts {
		tested = append(tested, subtest("TestNotAnAnswer", d.name))
	}
	for _, row := range documented {
		if !slices.Contains(tested, row) {
			t.Errorf("REPLIES.md has %q, and the tests have not", row)
		}
	}
	for _, row := range tested {
		if !slices.Contains(documented, row) {
			t.Errorf("the tests have %q, and REPLIES.md has not", row)
		}
	}
	if len(documented) != len(tested) {
		t.Errorf("REPLIES.md has %d rows, the tests have %d", len(documented), len(tested))
	}
}

// subtest is the name that go test gives a subtest.
func subtest(test, name string) string { return test + "/" + strings.ReplaceAll(name, " ", "_") }
