package inquiry_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

func TestKMV1(t *testing.T) {
	at := time.Date(2022, 11, 8, 12, 8, 14, 608_999_999, time.UTC)
	// The codes are those of: printf '{"sequenceId":"CHG0000000001"}' | openssl dgst -sha256 -hmac key -binary | base64
	const mac = "aGqNjHmcWpTER05kMdpZd6J65koRs8+DW07Id9jbllg="
	for _, c := range []struct {
		signer inquiry.KMV1
		want   string
	}{
		{inquiry.KMV1{}, "KMV1:20221108120814608:" + mac},
		{inquiry.KMV1{TimeDigits: 17}, "KMV1:20221108120814608:" + mac},
		{inquiry.KMV1{TimeDigits: 16}, "KMV1:2022110812081460:" + mac},
		{inquiry.KMV1{RawBase64: true}, "KMV1:20221108120814608:" + mac[:43]},
	} {
		c.signer.SecretKey = inquiry.Secret("key")
		got, err := c.signer.Sign([]byte(`{"sequenceId":"CHG0000000001"}`), at)
		if err != nil || got != c.want {
			t.Errorf("%+v: %s, %v, want %s", c.signer, got, err, c.want)
		}
	}
}

// TestManySignAtOnce: the simulator refuses a message whose token is of another.
func TestManySignAtOnce(t *testing.T) {
	client := serve(t, konasim.New(konasim.Config{SecretKey: secretKey}), nil)
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			for j := range 50 {
				e := event
				e.SequenceID = fmt.Sprintf("COMPLETED-%d-%d", i, j)
				if got := ask(t, client, e); got.Class != processor.Answered {
					t.Errorf("%s: %+v", e.SequenceID, got)
				}
			}
		})
	}
	asking.Wait()
}

func ExampleKMV1() {
	token, err := inquiry.KMV1{SecretKey: inquiry.Secret("key")}.Sign([]byte(`{"sequenceId":"CHG0000000001"}`), time.Date(2022, 11, 8, 12, 8, 14, 608e6, time.UTC))
	fmt.Println(token, len(token), err)
	// Output: KMV1:20221108120814608:aGqNjHmcWpTER05kMdpZd6J65koRs8+DW07Id9jbllg= 67 <nil>
}
