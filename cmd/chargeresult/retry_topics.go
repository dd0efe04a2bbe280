package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chargeresult/chargeresult/events"
)

// scheduledTopics are the retry topics that the configuration puts transactions into, in its order.
func scheduledTopics(c config) []string {
	var names []string
	for _, delay := range append(slices.Clone(c.RetrySchedule), c.FirstAskDelay) {
		if name := events.RetryTopic(c.TopicRetryPrefix, delay); delay > 0 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// retryTopics are all retry topics that exist, those of an earlier schedule included: what waits in them is not forgotten.
func retryTopics(ctx context.Context, admin *kadm.Client, c config) ([]string, error) {
	all, err := admin.ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("list retry topics: %w", err)
	}
	var names []string
	for _, name := range all.Names() {
		if _, ok := events.RetryDelay(c.TopicRetryPrefix, name); ok {
			names = append(names, name)
		}
	}
	return names, nil
}
