package main

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/chargeresult/chargeresult/processor/dedup"
)

// judge decides on the facts. It asks nothing of anyone.
func judge(c config, f facts) report {
	return slices.Concat(
		judgeBrokers(c, f.kafka),
		judgeTopics(c, f.kafka),
		judgeRedis(f.redis),
		judgeInquiry(c),
		judgeSecrecy(c),
	)
}

// The least versions that commit transactions safely (KIP-890): the protocol, and the feature that makes brokers use it.
const (
	safeEndTxn             = 5 // came with Kafka 4.0
	safeTransactionVersion = 2
)

func judgeBrokers(c config, k kafkaFacts) report {
	reachable := check{Name: "kafka reachable", Status: passed, Found: fmt.Sprintf("%d brokers", len(k.brokers)), Wanted: "an answer"}
	if k.err != nil {
		reachable.Status, reachable.Found = refused, k.err.Error()
		reachable.Do = "check " + envName("kafka-brokers") + ", TLS, SASL and permissions"
		return report{reachable}
	}
	unsafe, do := refused, "upgrade the cluster to Kafka 4.0 or newer; "+envName("allow-unsafe-broker")+" goes on at the risk of lost and repeated results"
	if c.AllowUnsafeBroker {
		unsafe, do = warned, "upgrade the cluster; allowed by "+envName("allow-unsafe-broker")
	}
	release := judgeRelease(k.brokers, unsafe, do)
	version := check{Name: "kafka transaction.version", Status: passed, Found: strconv.Itoa(int(k.transactionVersion)), Wanted: fmt.Sprintf("at least %d", safeTransactionVersion)}
	if k.transactionVersion < safeTransactionVersion {
		version.Status = unsafe
		version.Do = kafkaTool("kafka-features", c) + fmt.Sprintf(" upgrade --feature transaction.version=%d; %s", safeTransactionVersion, do)
	}
	return report{reachable, release, version}
}

// judgeRelease forgives a broker that does not answer, as long as others do: a cluster is restarted broker by broker, and a broker that
// came back too old could not have joined it with the feature finalized.
func judgeRelease(brokers []brokerFacts, unsafe status, do string) check {
	row := check{Name: "kafka release", Status: passed, Wanted: fmt.Sprintf("4.0 or newer (EndTxn v%d)", safeEndTxn)}
	var found []string
	for _, b := range brokers {
		switch {
		case b.err != nil:
			found = append(found, fmt.Sprintf("broker %d: %v", b.id, b.err))
			if row.Status == passed {
				row.Status, row.Do = warned, "check the broker that did not answer"
			}
			continue
		case b.endTxn < safeEndTxn:
			row.Status, row.Do = unsafe, do
		}
		found = append(found, fmt.Sprintf("broker %d: %s (EndTxn v%d)", b.id, b.release, b.endTxn))
	}
	row.Found = strings.Join(found, ", ")
	return row
}

func judgeTopics(c config, k kafkaFacts) report {
	var r report
	for _, name := range topicNames(c) {
		r = append(r, judgeTopic(k, name))
	}
	kept := keptFor(c.DedupTTL)
	const order = "results would be compacted away or forgotten, and claims could not be rebuilt from them; `chargeresult topics` shows how to mend it"
	for _, name := range scheduledTopics(c) {
		const forgotten = "a transaction that waits would be forgotten; `chargeresult topics` shows how to mend it"
		r = append(r, judgeRule(k, name, notCompacted(), refused, forgotten), judgeRule(k, name, keptFor(c.RetryDeadline), refused, forgotten))
	}
	return append(r,
		judgeRule(k, c.TopicResult, notCompacted(), refused, order),
		judgeRule(k, c.TopicResult, kept, refused, order),
		judgeRule(k, c.TopicDuplicates, notCompacted(), refused, order),
		judgeRule(k, c.TopicRequested, kept, warned, "an event may be deleted before it is answered, if the processor stands still for long"),
		judgeRule(k, c.TopicCancelled, kept, warned, "an event may be deleted before it is answered, if the processor stands still for long"),
		judgeDurability(c, k),
	)
}

func judgeTopic(k kafkaFacts, name string) check {
	row := check{Name: "topic " + name, Status: passed, Wanted: "it exists"}
	facts, exists := k.topics[name]
	switch {
	case k.err != nil:
		row.Status = skipped
	case !exists:
		row.Status, row.Found, row.Do = refused, "missing", "create it: `chargeresult topics --execute`"
	default:
		row.Found = fmt.Sprintf("%d partitions, %d replicas", facts.Partitions, facts.Replication)
	}
	return row
}

func judgeRule(k kafkaFacts, topic string, want rule, otherwise status, why string) check {
	row := check{Name: topic + " " + want.key, Status: passed, Wanted: want.want}
	facts, exists := k.topics[topic]
	switch {
	case !exists:
		row.Status = skipped
	case !facts.follows(want):
		row.Status, row.Do = otherwise, why
		if facts.ConfigsErr != nil {
			row.Do = "allow DescribeConfigs on the topic, so that it can be checked"
		}
	}
	row.Found = facts.found(want)
	return row
}

// judgeDurability warns of topics that one broker's failure can take away.
func judgeDurability(c config, k kafkaFacts) check {
	row := check{Name: "durability of topics", Status: passed, Found: "all", Wanted: "at least 2 replicas and min.insync.replicas"}
	if k.err != nil {
		row.Status, row.Found = skipped, ""
		return row
	}
	var weak []string
	for _, name := range append(topicNames(c), internalTopics...) {
		facts, exists := k.topics[name]
		inSync := facts.Configs["min.insync.replicas"]
		if exists && (facts.Replication < 2 || inSync == "1") {
			weak = append(weak, fmt.Sprintf("%s: %d replicas, min.insync.replicas %s", name, facts.Replication, cmp.Or(inSync, "unknown")))
		}
	}
	if len(weak) > 0 {
		row.Status, row.Found = warned, strings.Join(weak, "; ")
		row.Do = "3 replicas with min.insync.replicas=2, or one broker's disk can lose committed results"
	}
	return row
}

func judgeRedis(r redisFacts) report {
	reachable := check{Name: "redis reachable", Status: passed, Found: cmp.Or(r.Version, "yes"), Wanted: "an answer"}
	policy := check{Name: "redis maxmemory_policy", Status: passed, Found: cmp.Or(r.MaxMemoryPolicy, "unknown"), Wanted: "noeviction"}
	aof := check{Name: "redis append-only file", Status: passed, Found: "on", Wanted: "on"}
	if r.err != nil {
		reachable.Status, reachable.Found = refused, r.err.Error()
		reachable.Do = "check " + envName("redis-url") + ", its password and TLS"
		policy.Status, policy.Found, aof.Status, aof.Found = skipped, "", skipped, ""
		return report{reachable, policy, aof}
	}
	if err := dedup.CheckPolicy(r.Facts); err != nil {
		policy.Status, policy.Do = refused, err.Error()+"; INFO memory must be allowed"
	}
	if !r.AOF {
		aof.Status, aof.Found = warned, "off"
		aof.Do = "set appendonly yes, or a restart of Redis loses the claims"
	}
	return report{reachable, policy, aof}
}

// signedLength is how long a KMV1 token is; its documented length is 66, but Konaplate's own sample has 67.
var signedLength = []int{66, 67}

func judgeInquiry(c config) report {
	base := check{Name: "inquiry url", Status: passed, Found: c.InquiryURL, Wanted: "https"}
	if u, err := url.Parse(c.InquiryURL); err != nil || u.Scheme != "https" && !isLoopback(u.Hostname()) {
		base.Status, base.Do = warned, "use https: the access key is sent in the clear"
	}
	credentials := check{Name: "inquiry credentials", Status: passed, Found: "a key that signs each request", Wanted: "a signing key, or a token of 66 or 67 characters"}
	if n := len(c.InquiryTranToken.Reveal()); n > 0 {
		credentials.Found = fmt.Sprintf("a static token of %d characters", n)
		if !slices.Contains(signedLength, n) {
			credentials.Status, credentials.Do = warned, "check "+envName("inquiry-tran-token")+": Konaplate's tokens are of another length"
		}
	}
	return report{base, credentials}
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// judgeSecrecy warns of passwords that travel in the clear.
func judgeSecrecy(c config) report {
	row := check{Name: "credentials encrypted on the way", Status: passed, Found: "yes, or none are sent", Wanted: "TLS wherever a password is sent"}
	var open []string
	if c.KafkaSASLMechanism != "" && !c.KafkaTLS {
		open = append(open, "Kafka: "+c.KafkaSASLMechanism+" without "+envName("kafka-tls"))
	}
	u := c.RedisURL.Reveal()
	if !strings.HasPrefix(u, "rediss") && (c.RedisPassword.Reveal() != "" || maskURL(u) != u) {
		open = append(open, "Redis: a password without rediss://")
	}
	if len(open) > 0 {
		row.Status, row.Found, row.Do = warned, strings.Join(open, "; "), "use TLS"
	}
	return report{row}
}
