package dedup

import (
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

func TestRecordAsStored(t *testing.T) {
	owner := processor.Owner{TopicID: testTopic, Partition: 3, Offset: 1234}
	for want, r := range map[string]record{
		"1 claimed 0 - 5f0c0000000000000000000000000001/3/1234 CHG0000000001":        {processor.StateClaimed, 0, "", owner, "CHG0000000001"},
		"1 waiting 12 - 5f0c0000000000000000000000000001/3/1234 a b  c":              {processor.StateWaiting, 12, "", owner, "a b  c"},
		"1 settled 1 COMPLETED 5f0c0000000000000000000000000001/3/1234 ":             {processor.StateSettled, 1, "COMPLETED", owner, ""},
		"1 settled 0 - 5f0c0000000000000000000000000001/3/1234 충전０１":                 {processor.StateSettled, 0, "", owner, "충전０１"},
		"1 settled 0 UNKNOWN 00000000000000000000000000000000/0/0 CHG0000000001":     {processor.StateSettled, 0, "UNKNOWN", processor.Owner{}, "CHG0000000001"},
		"1 claimed 0 - 5f0c0000000000000000000000000001/2147483647/0 CHG0000000001 ": {processor.StateClaimed, 0, "", processor.Owner{TopicID: testTopic, Partition: 1<<31 - 1, Offset: 0}, "CHG0000000001 "},
	} {
		if got := r.String(); got != want {
			t.Errorf("%+v is stored as %q, want %q", r, got, want)
		}
		if got, err := parseRecord(want); err != nil || got != r {
			t.Errorf("%q is read as %+v, %v, want %+v", want, got, err, r)
		}
	}
}

// unreadable are values that are no claim of this layout.
var unreadable = []string{
	"",
	"1",
	"PONG",
	"1 claimed 0 - 5f0c0000000000000000000000000001/3/1234",
	"2 claimed 0 - 5f0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 pending 0 - 5f0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 claimed +1 - 5f0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 claimed -1 - 5f0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 claimed 1 - 5f0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 waiting 0 - 5f0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 claimed x - 5f0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 claimed 0  5f0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 claimed 0 - 5f0c/3/1234 CHG0000000001",
	"1 claimed 0 - 5F0C0000000000000000000000000001/3/1234 CHG0000000001",
	"1 claimed 0 - zz0c0000000000000000000000000001/3/1234 CHG0000000001",
	"1 claimed 0 - 5f0c0000000000000000000000000001/2147483648/1234 CHG0000000001",
	"1 claimed 0 - 5f0c0000000000000000000000000001/3/x CHG0000000001",
	"1 claimed 0 - 5f0c0000000000000000000000000001/3 CHG0000000001",
}

func TestRecordUnreadable(t *testing.T) {
	for _, value := range unreadable {
		if r, err := parseRecord(value); err == nil {
			t.Errorf("%q is read as %+v, want an error", value, r)
		}
	}
}

func TestSettlementThatCannotBeStored(t *testing.T) {
	c, below, before := claimOf(1, "a"), claimOf(1, "a"), claimOf(1, "a")
	below.Owner.Partition, before.Owner.Offset = -1, -1
	for _, s := range []processor.Settlement{
		settled(below, 0, "COMPLETED"),
		settled(before, 0, "COMPLETED"),
		{Claim: c, State: "finished"},
		{Claim: c},
		waiting(c, -1),
		waiting(c, 0),
		{Claim: c, State: processor.StateClaimed, Hop: 1},
		settled(c, 0, "NO RESULT"),
		settled(c, 0, "NO\nRESULT"),
		settled(c, 0, noResult),
	} {
		if r, err := settledRecord(s); err == nil {
			t.Errorf("%+v is stored as %q, want an error", s, r)
		}
	}
}

// Whatever is read is written back the same: what one instance decides on is what another one finds.
func FuzzRecord(f *testing.F) {
	f.Add("1 settled 1 COMPLETED 5f0c0000000000000000000000000001/3/1234 CHG0000000001")
	f.Add("1 waiting 12 - 5f0c0000000000000000000000000001/3/1234 a b  c")
	for _, value := range unreadable {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, err := parseRecord(value)
		if err != nil {
			return
		}
		if got := r.String(); got != value {
			t.Errorf("%q is read as %+v, and written as %q", value, r, got)
		}
	})
}
