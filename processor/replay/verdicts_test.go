package replay

import (
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// TestVerdicts has one input record, which is finished, and what the output topics say of it.
func TestVerdicts(t *testing.T) {
	const (
		id     = "261122103000-0000000"
		record = " charge-requested/0/0 " + id
	)
	for name, tt := range map[string]struct {
		outcomes func(k *kafka)
		want     Tally // Accepted is 1
		faults   []string
		account  Account // the other counts
	}{
		"final":     {func(k *kafka) { k.produce(k.resultRecord(0, 1, at(0), group)) }, Tally{Final: 1}, nil, Account{}},
		"dead":      {func(k *kafka) { k.produce(k.deadLetter(at(0), group)) }, Tally{Dead: 1}, nil, Account{}},
		"duplicate": {func(k *kafka) { k.produce(k.duplicate(0, at(0), at(7), events.VerdictDuplicate)) }, Tally{Duplicate: 1}, nil, Account{}},
		"duplicate, read again": {func(k *kafka) {
			k.produce(k.duplicate(0, at(0), at(7), events.VerdictDuplicate), k.duplicate(0, at(0), at(7), events.VerdictDuplicate))
		}, Tally{Duplicate: 1}, nil, Account{}},
		"waiting": {func(k *kafka) { k.produce(k.resultRecord(0, 0, at(0), group), k.retry(shortRetry, 0, 1, at(0))) }, Tally{Waiting: 1}, nil, Account{}},
		"waiting in the second hop": {func(k *kafka) {
			k.produce(k.retry(shortRetry, 0, 1, at(0)), k.retry(longRetry, 0, 2, at(0)))
			k.commit(shortRetry, 0, 0, [2]int64{0, 0}) // by the offset map
		}, Tally{Waiting: 1}, nil, Account{}},
		"final after it waited": {func(k *kafka) {
			k.produce(k.resultRecord(0, 0, at(0), group), k.retry(shortRetry, 0, 1, at(0)), k.resultRecord(0, 1, at(0), group))
			k.commit(shortRetry, 0, 1)
		}, Tally{Final: 1}, nil, Account{}},
		"final, and read again": {func(k *kafka) {
			k.produce(k.resultRecord(0, 1, at(0), group), k.duplicate(0, at(0), at(0), events.VerdictRedelivered))
		}, Tally{Final: 1}, nil, Account{}},
		"final, and corrected": {func(k *kafka) {
			k.produce(k.resultRecord(0, 1, at(0), group), k.resultRecord(0, 2, at(0), group))
		}, Tally{Final: 1}, nil, Account{}},

		"nowhere":                {func(*kafka) {}, Tally{Missing: 1}, []string{"missing" + record}, Account{}},
		"an interim result only": {func(k *kafka) { k.produce(k.resultRecord(0, 0, at(0), group)) }, Tally{Missing: 1}, []string{"missing" + record}, Account{}},
		"redelivered only":       {func(k *kafka) { k.produce(k.duplicate(0, at(0), at(0), events.VerdictRedelivered)) }, Tally{Missing: 1}, []string{"missing" + record}, Account{}},
		"another group's result": {func(k *kafka) { k.produce(k.resultRecord(0, 1, at(0), "other")) }, Tally{Missing: 1}, []string{"missing" + record}, Account{}},
		"another group's letter": {func(k *kafka) { k.produce(k.deadLetter(at(0), "other")) }, Tally{Missing: 1}, []string{"missing" + record}, Account{}},
		"an aborted result": {func(k *kafka) {
			k.open("t", k.resultRecord(0, 1, at(0), group))(kgo.TryAbort)
		}, Tally{Missing: 1}, []string{"missing" + record}, Account{}},
		"an unreadable result": {func(k *kafka) {
			k.produce(&kgo.Record{Topic: resultTopic, Value: []byte("?"), Headers: k.resultRecord(0, 1, at(0), group).Headers})
		}, Tally{Missing: 1}, []string{"missing" + record}, Account{Unreadable: 1}},
		"a retry record that is finished without a trace": {func(k *kafka) {
			k.produce(k.retry(shortRetry, 0, 1, at(0)))
			k.commit(shortRetry, 0, 1)
		}, Tally{Missing: 1}, []string{"missing" + record}, Account{}},
		"a retry record of the topic that had the name before": {func(k *kafka) {
			r := k.retry(shortRetry, 0, 1, at(0))
			i := slices.IndexFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == events.HeaderRetryTopicID })
			r.Headers[i].Value = []byte(strings.Repeat("0", 32))
			k.produce(r)
		}, Tally{Missing: 1}, []string{"missing" + record}, Account{}},

		"final twice": {func(k *kafka) {
			k.produce(k.resultRecord(0, 1, at(0), group), k.resultRecord(0, 1, at(0), group))
		}, Tally{Twice: 1}, []string{
			"twice" + record + " final result of revision 1 at charge-result/0/0; final result of revision 1 at charge-result/0/1",
			"two-finals " + id + " final result of revision 1 at charge-result/0/0, of charge-requested/0/0; final result of revision 1 at charge-result/0/1, of charge-requested/0/0",
		}, Account{TwoFinals: 1}},
		"dead twice": {func(k *kafka) { k.produce(k.deadLetter(at(0), group), k.deadLetter(at(0), group)) }, Tally{Twice: 1}, []string{
			"twice" + record + " dead letter UNDECODABLE at charge-result.dlq/0/0; dead letter UNDECODABLE at charge-result.dlq/0/1",
		}, Account{}},
		"dead twice, after it waited": {func(k *kafka) {
			k.produce(k.retry(shortRetry, 0, 1, at(0)), k.deadLetter(at(0), group), k.deadLetter(at(0), group))
			k.commit(shortRetry, 0, 1)
		}, Tally{Twice: 1}, []string{
			"twice" + record + " dead letter UNDECODABLE at charge-result.dlq/0/0; dead letter UNDECODABLE at charge-result.dlq/0/1",
		}, Account{}},
		"final and dead": {func(k *kafka) { k.produce(k.deadLetter(at(0), group), k.resultRecord(0, 1, at(0), group)) }, Tally{Twice: 1}, nil, Account{}},
		"final and duplicate": {func(k *kafka) {
			k.produce(k.duplicate(0, at(0), at(7), events.VerdictDuplicate), k.resultRecord(0, 1, at(0), group))
		}, Tally{Twice: 1}, nil, Account{}},
		"final and waiting": {func(k *kafka) {
			k.produce(k.retry(shortRetry, 0, 1, at(0)), k.resultRecord(0, 1, at(0), group))
		}, Tally{Twice: 1}, nil, Account{}},
		"waiting twice": {func(k *kafka) {
			k.produce(k.retry(shortRetry, 0, 1, at(0)), k.retry(longRetry, 0, 2, at(0)))
		}, Tally{Twice: 1}, nil, Account{}},

		"two finals of one transaction": {func(k *kafka) {
			k.produce(k.resultRecord(0, 1, at(0), group), k.resultRecord(0, 1, at(7), group))
		}, Tally{Final: 1}, []string{
			"two-finals " + id + " final result of revision 1 at charge-result/0/0, of charge-requested/0/0; final result of revision 1 at charge-result/0/1, of charge-requested/0/7",
		}, Account{TwoFinals: 1}},
		"two interim results": {func(k *kafka) {
			k.produce(k.resultRecord(0, 0, at(0), group), k.resultRecord(0, 0, at(0), group), k.retry(shortRetry, 0, 1, at(0)))
		}, Tally{Waiting: 1}, []string{
			"two-interims " + id + " interim result at charge-result/0/0, of charge-requested/0/0; interim result at charge-result/0/1, of charge-requested/0/0",
		}, Account{TwoInterims: 1}},
		"three finals of one transaction": {func(k *kafka) {
			k.produce(k.resultRecord(0, 1, at(0), group), k.resultRecord(0, 1, at(7), group), k.resultRecord(0, 1, at(8), group))
		}, Tally{Final: 1}, []string{
			"two-finals " + id + " final result of revision 1 at charge-result/0/0, of charge-requested/0/0; final result of revision 1 at charge-result/0/1, " +
				"of charge-requested/0/7; final result of revision 1 at charge-result/0/2, of charge-requested/0/8",
		}, Account{TwoFinals: 1}},
		"a charge and its cancellation": {func(k *kafka) {
			k.produce(k.resultRecord(0, 1, at(0), group), k.cancellation(0))
		}, Tally{Final: 1}, nil, Account{}},
		"dead, and a dead letter of another group before": {func(k *kafka) {
			letter := k.deadLetter(at(0), group)
			letter.Headers = append(k.deadLetter(at(7), "other").Headers, letter.Headers...)
			k.produce(letter)
		}, Tally{Dead: 1}, nil, Account{}},
		"strays": {func(k *kafka) {
			k.produce(k.resultRecord(0, 1, at(0), group), k.deadLetter(events.Source{Topic: shortRetry}, group))
		}, Tally{Final: 1}, nil, Account{Strays: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(k *kafka) {
				k.input(1)
				tt.outcomes(k)
				a := k.reconcile()
				tt.want.Accepted = 1
				if a.Total != tt.want {
					t.Errorf("total %+v, want %+v", a.Total, tt.want)
				}
				if tt.faults != nil || tt.want.Twice == 0 {
					wantValues(t, a.faults(), tt.faults...)
				}
				if w := tt.account; a.TwoFinals != w.TwoFinals || a.TwoInterims != w.TwoInterims || a.Strays != w.Strays || a.Unreadable != w.Unreadable {
					t.Errorf("account %+v, want %+v", a, w)
				}
				balanced := tt.want.Missing+tt.want.Twice+tt.account.TwoFinals+tt.account.TwoInterims == 0
				if a.Balanced != balanced || !a.Complete || balanced != (len(a.Faults) == 0) {
					t.Errorf("balanced %t with %d faults, complete %t; want %t, true", a.Balanced, len(a.Faults), a.Complete, balanced)
				}
			})
		})
	}
}
