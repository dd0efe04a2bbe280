package dedup

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

// benchBatch is how many claims the benchmarks make, or settle, at once.
const benchBatch = 256

func BenchmarkClaimOnMiniredis(b *testing.B) {
	_, cfg := serve(b)
	benchmarkClaim(b, cfg)
}

// benchmarkClaim claims batches of new transactions, and reports microseconds per claim.
func benchmarkClaim(b *testing.B, cfg Config) {
	store := mustOpen(b, cfg)
	mustRebuild(b, store, 0)
	claims := make([]processor.Claim, benchBatch)
	offset := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		for i := range claims {
			offset++
			claims[i] = claimOf(offset, fmt.Sprintf("261122103000-%07x", offset))
		}
		if _, err := store.Claim(b.Context(), 1, claims); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*benchBatch), "µs/claim")
}

// BenchmarkClaim is what claiming costs in this process alone: the server says yes to everything, and allocates nothing.
func BenchmarkClaim(b *testing.B) {
	store := mustOpen(b, serveYes(b))
	claims := benchClaims()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Claim(b.Context(), 1, claims); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSettle is BenchmarkClaim for settling.
func BenchmarkSettle(b *testing.B) {
	store := mustOpen(b, serveYes(b))
	var settlements []processor.Settlement
	for _, c := range benchClaims() {
		settlements = append(settlements, settled(c, 1, "COMPLETED"))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := store.Settle(b.Context(), settlements); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseRecord is what each duplicate costs beside its claim.
func BenchmarkParseRecord(b *testing.B) {
	value := claimedRecord(benchClaims()[0]).String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseRecord(value); err != nil {
			b.Fatal(err)
		}
	}
}

func benchClaims() []processor.Claim {
	claims := make([]processor.Claim, benchBatch)
	for i := range claims {
		claims[i] = claimOf(int64(i), fmt.Sprintf("261122103000-%07x", i))
	}
	return claims
}

// serveYes returns a Config of a server that lets every claim have its key. A call must fit one run of a script: it is read whole
// before its reply is, and nothing lies between.
func serveYes(b *testing.B) Config {
	var conns sync.WaitGroup
	b.Cleanup(conns.Wait)
	cfg := testConfig()
	cfg.Dialer = func(context.Context, string, string) (net.Conn, error) {
		client, end := net.Pipe()
		conns.Go(func() {
			for in := bufio.NewReader(end); ; {
				command, keys, err := readCommand(in)
				if err != nil {
					return // the client closed it
				}
				switch command {
				case "evalsha":
					_, err = fmt.Fprintf(end, "*%d\r\n$2\r\nok\r\n$1\r\n1\r\n%s", 1+keys, strings.Repeat("$-1\r\n", keys-1))
				case "eval":
					_, err = end.Write([]byte("$0\r\n\r\n"))
				default:
					_, err = end.Write([]byte("-ERR unknown command\r\n"))
				}
				if err != nil {
					return
				}
			}
		})
		return client, nil
	}
	return cfg
}

// readCommand reads a command off the wire, and returns its name and the number of keys of one that runs a script.
func readCommand(in *bufio.Reader) (name string, keys int, err error) {
	length := func() int {
		line, lineErr := in.ReadSlice('\n')
		if lineErr != nil {
			err = lineErr
			return 0
		}
		n, _ := strconv.Atoi(string(line[1 : len(line)-2])) // after the type, before CR LF
		return n
	}
	for i := range length() {
		n := length()
		value, peekErr := in.Peek(n + 2)
		if peekErr != nil {
			return "", 0, peekErr
		}
		switch i {
		case 0:
			name = string(value[:n])
		case 2:
			keys, _ = strconv.Atoi(string(value[:n]))
		}
		if _, err := in.Discard(n + 2); err != nil {
			return "", 0, err
		}
	}
	return name, keys, err
}
