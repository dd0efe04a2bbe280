package inquiry_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

func ExampleNew() {
	konaplate := httptest.NewServer(konasim.New(konasim.Config{SecretKey: "sesame"}))
	defer konaplate.Close()

	client, err := inquiry.New(inquiry.Config{
		BaseURL:   konaplate.URL,
		ASPID:     "123456789012345",
		AccessKey: inquiry.Secret("1234567890123456789012345678901234567890"),
		Signer:    inquiry.KMV1{SecretKey: inquiry.Secret("sesame")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	pace := inquiry.WithPace(client, inquiry.PaceConfig{Rate: 100})
	inquirer := inquiry.WithRetries(inquiry.WithBreaker(pace, inquiry.BreakerConfig{}), inquiry.RetryConfig{})

	for _, sequenceID := range []string{"COMPLETED-1", "PENDING-1", "NOTFOUND-1", "INVALID-1"} {
		answer, err := inquirer.Inquire(context.Background(), nil, events.Event{
			Operation: events.Charge, CorrelationID: "261122103000-00000a1", SequenceID: sequenceID,
		})
		if err != nil {
			fmt.Println(err) // ctx ended, or we are draining: there is no answer
			continue
		}
		fmt.Printf("%s: %q %q %q\n", sequenceID, answer.Result, answer.Code, answer.Reason)
	}
	// Output:
	// COMPLETED-1: "COMPLETED" "000_000" ""
	// PENDING-1: "PENDING" "000_000" ""
	// NOTFOUND-1: "" "007_009" ""
	// INVALID-1: "" "000_002" "INVALID_SEQUENCE_ID"
}

// A caller that must not take in more than can be asked learns from a Pace when to stop and when to go on, and whoever waits
// is let go when it drains.
func ExampleWithPace() {
	konaplate := httptest.NewServer(konasim.New(konasim.Config{SecretKey: "sesame"}))
	defer konaplate.Close()
	client, err := inquiry.New(inquiry.Config{
		BaseURL:   konaplate.URL,
		ASPID:     "123456789012345",
		AccessKey: inquiry.Secret("1234567890123456789012345678901234567890"),
		Signer:    inquiry.KMV1{SecretKey: inquiry.Secret("sesame")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	pace := inquiry.WithPace(client, inquiry.PaceConfig{Rate: 100, OnChange: func(now inquiry.PaceStatus) {
		fmt.Println("hold intake:", now.Cause != "")
	}})

	refused := events.Event{Operation: events.Charge, CorrelationID: "261122103000-00000a1", SequenceID: "HTTP429-1"}
	answer, err := pace.Inquire(context.Background(), nil, refused)
	fmt.Println(answer.Class == processor.SlowDown, answer.RetryAfter, err)

	draining := make(chan struct{})
	close(draining)
	_, err = pace.Inquire(context.Background(), draining, refused)
	fmt.Println(err)
	// Output:
	// hold intake: true
	// true 2s <nil>
	// inquiry held back to keep the pace: not asked: draining
}

func ExampleConfig_Validate() {
	err := inquiry.Config{BaseURL: "http://konaplate.test", ASPID: "1234", AccessKey: inquiry.Secret("hush")}.Validate()
	fmt.Println(err)
	// Output:
	// BaseURL: http://konaplate.test: would send the access key unencrypted: use https, or set AllowHTTP
	// ASPID: want 15 visible ASCII characters, have 4
	// AccessKey: want 40 visible ASCII characters, have 4
	// Signer: is missing: use KMV1 with the secret key, or StaticToken
}
