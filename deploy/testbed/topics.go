package testbed

import (
	"crypto/rand"
	"regexp"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Unique returns a name that no other test has, for topics, groups and keys: the test's name and a random end, at most
// 100 bytes of letters, digits, dashes and underscores.
func Unique(t testing.TB) string {
	name := regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(t.Name(), "-")
	return name[:min(len(name), 73)] + "-" + rand.Text()
}

// CreateTopics creates topics with the broker's default settings.
func CreateTopics(t testing.TB, addr string, partitions int32, topics ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.MetadataMinAge(topicBackoff))
	must(t, err)
	defer client.Close()
	admin := kadm.NewClient(client)
	created, err := admin.CreateTopics(t.Context(), partitions, 1, nil, topics...)
	must(t, err)
	must(t, created.Error())
	for { // the controller confirms a topic before the broker has heard of it, and a client that asks too soon waits for seconds
		listed, err := admin.Metadata(t.Context(), topics...)
		must(t, err)
		led := 0
		listed.Topics.EachPartition(func(p kadm.PartitionDetail) {
			if p.Err == nil && p.Leader >= 0 {
				led++
			}
		})
		if listed.Topics.Error() == nil && led == len(topics)*int(partitions) {
			return
		}
		time.Sleep(topicBackoff)
	}
}

// topicBackoff is how long CreateTopics waits for a broker before it asks again.
const topicBackoff = 50 * time.Millisecond
