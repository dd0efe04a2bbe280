package console_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"regexp"
	"time"

	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/replay"
)

func ExampleNew() {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	handler := console.New(console.Config{
		Page: func(context.Context) console.Page {
			return console.Page{
				At: noon, Started: noon.Add(-time.Hour), Group: "charge-result", Breaker: console.Breaker{State: "closed"},
				Cluster: console.Cluster{AsOf: noon, Partitions: []console.PartitionState{
					{Topic: "charge-requested", Partition: 7, State: console.Stopped, Why: "the topic was made anew", Since: noon.Add(-3 * time.Minute)},
				}},
			}
		},
		Find: func(_ context.Context, id string) (replay.Timeline, error) {
			return replay.Timeline{CorrelationID: id, Complete: true}, nil
		},
		TraceURL: "https://jaeger.example/trace/{trace_id}",
	})

	page := httptest.NewRecorder()
	handler.ServeHTTP(page, httptest.NewRequestWithContext(context.Background(), "GET", "/", nil))
	fmt.Println(regexp.MustCompile("<title>.*</title>").FindString(page.Body.String()))
	twin := httptest.NewRecorder()
	handler.ServeHTTP(twin, httptest.NewRequestWithContext(context.Background(), "GET", "/transactions.json?id=261123095702-0A3F9C1", nil))
	fmt.Println(twin.Code, twin.Header().Get("Content-Type"))
	// Output:
	// <title>■ charge-requested/7 is stopped · charge-result · chargeresult</title>
	// 200 application/json; charset=utf-8
}
