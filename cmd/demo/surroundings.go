package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/dedup/deduptest"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// surroundings are what the processor works with, on one network in memory: no port is opened, nothing is written to disk.
type surroundings struct {
	network kfake.VirtualNetwork
	kafka   *kfake.Cluster
	redis   *deduptest.Server
	vendor  *konasim.Simulator
	api     *http.Server   // serves vendor
	serving errgroup.Group // api
}

const (
	vendorURL  = "http://localhost"
	vendorAddr = "localhost:80" // on the network in memory
	redisAddr  = "localhost:6379"
	secretKey  = "the-secret-key-of-the-demonstration"
)

// vendorLatency is what an inquiry may well take: log-normal, and one in a hundred slow.
var vendorLatency = konasim.Latency{P50: 25 * time.Millisecond, P99: 250 * time.Millisecond, SlowShare: 0.01, SlowDelay: 3 * time.Second}

func startSurroundings(seed uint64) (*surroundings, error) {
	s := &surroundings{
		redis: deduptest.Start(),
		vendor: konasim.New(konasim.Config{
			SecretKey: secretKey, Seed: seed, Shares: konasim.Shares{Completed: 92, Failed: 8}, Latency: vendorLatency,
		}),
	}
	s.api = &http.Server{Handler: s.vendor, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Second}
	listener, err := s.network.Listen("tcp", vendorAddr)
	if err == nil {
		s.serving.Go(func() error { return s.api.Serve(listener) })
		s.kafka, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(s.network.Listen), kfake.ClusterID("demo"),
			kfake.SeedTopics(4, events.TopicRequested), kfake.SeedTopics(2, events.TopicCancelled),
			kfake.SeedTopics(4, events.TopicResult), kfake.SeedTopics(1, events.TopicDeadLetter, events.TopicDuplicates),
			kfake.SeedTopics(2, retryTopics()...))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded Kafka: %w", err), s.close())
	}
	return s, nil
}

func (s *surroundings) close() error {
	if s.kafka != nil {
		s.kafka.Close()
	}
	s.redis.Close()
	err := s.api.Close()
	if served := s.serving.Wait(); !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// kafkaOptions is how a client connects.
func (s *surroundings) kafkaOptions() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.Dialer(s.network.DialContext)}
}
