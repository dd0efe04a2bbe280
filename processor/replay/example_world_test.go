package replay_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// finishTwoEvents is the processor of ExampleReconcile: it loses the second of two events.
func finishTwoEvents(options []kgo.Opt) {
	ctx := context.Background()
	client, err := kgo.NewClient(options...)
	must(err)
	defer client.Close()
	value, headers, err := events.Result{
		CorrelationID: "261122103000-00000a1", SequenceID: "CHG1", Operation: events.Charge, Result: events.Completed, Final: true, Revision: 1,
		Attempts: 1, RequestedAt: time.Now(), DecidedAt: time.Now(), Source: events.Source{Topic: events.TopicRequested},
	}.Encode("charge-result")
	must(err)
	result := &kgo.Record{Topic: events.TopicResult, Value: value}
	for _, h := range headers {
		result.Headers = append(result.Headers, kgo.RecordHeader(h))
	}
	must(client.ProduceSync(ctx,
		&kgo.Record{Topic: events.TopicRequested, Value: []byte(`{"correlationId":"261122103000-00000a1","sequenceId":"CHG1"}`)},
		&kgo.Record{Topic: events.TopicRequested, Value: []byte(`{"correlationId":"261122103000-00000a2","sequenceId":"CHG2"}`)},
		result,
	).FirstErr())

	admin := kadm.NewClient(client)
	meta, err := admin.Metadata(ctx, events.TopicRequested)
	must(err)
	id := meta.Topics[events.TopicRequested].ID
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{
		Topic: events.TopicRequested, At: 2, LeaderEpoch: -1,
		Metadata: fmt.Sprintf("om1:%s:%s:2:", meta.Cluster, base64.RawURLEncoding.EncodeToString(id[:])),
	})
	_, err = admin.CommitOffsets(ctx, "charge-result", offsets)
	must(err)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
