package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// healthTimeout is how long health waits for its answer.
const healthTimeout = 2 * time.Second

// healthBytes is how much of the answer is printed.
const healthBytes = 64 << 10

// healthCommand is the health check of containers that hold nothing but this binary.
func healthCommand() command {
	return command{
		name:     "health",
		summary:  "ask the process at the admin address whether it is alive, and print what it says; exit code 1 if it is not",
		examples: []string{"chargeresult health", "chargeresult health --admin-addr :9464"},
		settings: true,
		// What is wrong with other settings, or only looks so because the process was given flags beside them, is no reason to call it ill.
		tolerant: true,
		run: func(ctx context.Context, in invocation) error {
			ctx, cancel := context.WithTimeout(ctx, healthTimeout)
			defer cancel()
			return askHealth(ctx, in.cfg.AdminAddr, in.stdout)
		},
	}
}

// askHealth prints the answer of the process that listens at an address.
func askHealth(ctx context.Context, listens string, w io.Writer) error {
	url := "http://" + reachable(listens) + "/livez"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	transport := &http.Transport{} // without a proxy: it is this machine that is asked
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("health: ask %s: %w", url, err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(w, io.LimitReader(response.Body, healthBytes)); err != nil {
		return fmt.Errorf("health: read the answer of %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s answers %s", url, response.Status)
	}
	return nil
}

// reachable is where a process is asked that listens at an address: one that listens at all addresses listens at the loopback's too.
func reachable(listens string) string {
	host, port, err := net.SplitHostPort(listens)
	if err != nil {
		return listens
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}
