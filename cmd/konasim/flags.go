package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// errUsage: the command line is wrong; the text says what is.
var errUsage = errors.New("run konasim --help for the flags")

const help = `konasim simulates Konaplate's inquiry endpoint.

Usage: konasim [flags]

  --addr HOST:PORT        where to listen; port 0: any free one (default 127.0.0.1:8090)
  --seed N                what is left to chance follows from it (default 1)
  --latency L             0, a duration, or lognormal:P50,P99 (default 0)
  --slow SHARE,DELAY      this share of the answers takes this much longer (default none)
  --shares NAME=N,...     weights of the answers that sequence IDs draw (default completed=1)
                          names: completed failed pending unavailable notfound rejected
  --envelope E            where a body has its code: response, flat or error (default response)
  --scenario FILE         what is answered when, and what to whom: see below
  --check                 only checks the flags and the scenario: exits 0, or 2 and names every fault with its line
  --ledger FILE           writes every call to FILE, one JSON object a line; what was in it is lost
  --ledger-cap N          calls kept for /-/ledger, the newest; 0: all (default 100000)
  --secret-key-file FILE  checks tokens with the secret key in FILE; or in KONASIM_SECRET_KEY

Examples:
  konasim                                                       completes everything at once
  konasim --latency lognormal:20ms,200ms --slow 1%,3s           is as slow as the real one may be
  konasim --shares completed=90,failed=10 --seed 42             fails every tenth charge, always the same
  curl -X POST 'http://127.0.0.1:8090/-/down?mode=hanging'      begins an outage
  curl -X POST http://127.0.0.1:8090/-/up                       ends it
  curl http://127.0.0.1:8090/-/ledger                           who asked what, and what was answered
  konasim --scenario outage.yaml --check                        is the file right?
  konasim --scenario outage.yaml --ledger calls.jsonl           keeps the calls for after the test

A scenario:
  phases:                # by the time since the start; each lasts until the next begins
    - until: 10s         # without an answer: as if there were no scenario
    - until: 40s
      answer: DOWN       # DOWN, HANG and RESET are for all, other answers for transactions without a list
    - answer: PENDING-3
      share: 0.33        # of the transactions; default 1
  transactions:          # by sequence ID, or by its beginning and *
    CHG0000000001: [PENDING, PENDING, COMPLETED] # in turn, the last one for ever
    REFUND-*: [NOTFOUND, HTTP429-5, FAILED]
  latency: 20ms          # replaces --latency and --slow

The answers: COMPLETED FAILED PENDING PENDING-<n> (n times, then COMPLETED) NOTFOUND NOTFOUND-<n> INVALID REJECTED UNCLEAR DOWN
HTTP<status> HTTP<status>-<seconds> (Retry-After) RESULT500 SLOW-<ms> HANG RESET DRIP DRIP-<ms> TRUNCATED OVERSIZED BOMB HTML
REDIRECT FOREIGN NOECHO DUPKEY TRAILING MISTYPED CONTRADICTION ENCRYPTED ODD. What each of them is:
go doc github.com/chargeresult/chargeresult/processor/inquiry/konasim

A sequence ID may ask for its answer itself, by a name and a dash: FAILED-1, PENDING-2-x, SLOW-900-x, HTTP503-x, RESET-1.
`

type options struct {
	addr   string
	sim    konasim.Config
	ledger string // a file; empty: none
	check  bool   // do nothing but parse
}

// parse returns the options, every fault of the command line, or flag.ErrHelp after printing the help.
func parse(args []string, getenv func(string) string, stdout io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("konasim", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.addr, "addr", "127.0.0.1:8090", "")
	flags.Uint64Var(&opts.sim.Seed, "seed", 1, "")
	flags.StringVar(&opts.ledger, "ledger", "", "")
	flags.IntVar(&opts.sim.LedgerCap, "ledger-cap", 100_000, "")
	flags.BoolVar(&opts.check, "check", false, "")
	scenario := flags.String("scenario", "", "")
	latency := flags.String("latency", "0", "")
	slow := flags.String("slow", "", "")
	shares := flags.String("shares", "completed=1", "")
	envelope := flags.String("envelope", string(konasim.UnderResponse), "")
	keyFile := flags.String("secret-key-file", "", "")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(stdout, help)
		return options{}, errors.Join(flag.ErrHelp, err)
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	faults := []error{err}
	faults = append(faults, parseLatency(*latency, &opts.sim.Latency), parseSlow(*slow, &opts.sim.Latency))
	faults = append(faults, parseShares(*shares, &opts.sim.Shares))
	opts.sim.Envelope = konasim.Envelope(*envelope)
	switch opts.sim.Envelope {
	case konasim.UnderResponse, konasim.Flat, konasim.UnderError:
	default:
		faults = append(faults, fmt.Errorf("--envelope %q: want response, flat or error", *envelope))
	}
	if opts.sim.LedgerCap < 0 {
		faults = append(faults, fmt.Errorf("--ledger-cap %d: want 0 or more", opts.sim.LedgerCap))
	}
	opts.sim.SecretKey, err = secretKey(*keyFile, getenv)
	faults = append(faults, err)
	opts.sim.Scenario, err = readScenario(*scenario)
	faults = append(faults, err)
	if err := errors.Join(faults...); err != nil {
		return options{}, fmt.Errorf("%w\n%w", err, errUsage)
	}
	return opts, nil
}

// parseLatency reads 0, a duration, or lognormal:P50,P99.
func parseLatency(s string, into *konasim.Latency) error {
	var err, err99 error
	percentiles, lognormal := strings.CutPrefix(s, "lognormal:")
	p50, p99, pair := strings.Cut(percentiles, ",")
	into.P50, err = time.ParseDuration(p50)
	if lognormal {
		into.P99, err99 = time.ParseDuration(p99)
	}
	if err != nil || err99 != nil || lognormal != pair || into.P50 < 0 || lognormal && (into.P50 == 0 || into.P99 < into.P50) {
		return fmt.Errorf("--latency %q: want 0, a duration such as 10ms, or lognormal:20ms,200ms", s)
	}
	return nil
}

// parseSlow reads SHARE,DELAY, the share in per cent.
func parseSlow(s string, into *konasim.Latency) error {
	if s == "" {
		return nil
	}
	share, delay, _ := strings.Cut(s, ",")
	number, percent := strings.CutSuffix(share, "%")
	value, err := strconv.ParseFloat(number, 64)
	duration, errDelay := time.ParseDuration(delay)
	if err != nil || errDelay != nil || !percent || !(value >= 0 && value <= 100) || duration < 0 {
		return fmt.Errorf("--slow %q: want a share and a delay, such as 1%%,3s", s)
	}
	into.SlowShare, into.SlowDelay = value/100, duration
	return nil
}

// maxWeight keeps the sum of the weights an int on every machine.
const maxWeight = 1_000_000

// parseShares reads NAME=N,...
func parseShares(s string, into *konasim.Shares) error {
	weights := map[string]*int{
		"completed": &into.Completed, "failed": &into.Failed, "pending": &into.Pending,
		"unavailable": &into.Unavailable, "notfound": &into.NotFound, "rejected": &into.Rejected,
	}
	for share := range strings.SplitSeq(s, ",") {
		name, number, _ := strings.Cut(share, "=")
		weight, known := weights[name]
		n, err := strconv.Atoi(number)
		if !known || err != nil || n < 0 || n > maxWeight {
			return fmt.Errorf("--shares %q: want names and weights of 0 to %d, such as completed=90,failed=10", share, maxWeight)
		}
		*weight = n
	}
	return nil
}

// secretKey returns the key in file, else in the environment, else none.
func secretKey(file string, getenv func(string) string) (string, error) {
	if file == "" {
		return getenv("KONASIM_SECRET_KEY"), nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--secret-key-file: %w", err)
	}
	key := strings.TrimSpace(string(content))
	if key == "" {
		return "", fmt.Errorf("--secret-key-file %q: is empty", file)
	}
	return key, nil
}

// readScenario returns the scenario in file; none if it has no name.
func readScenario(file string) (*konasim.Scenario, error) {
	if file == "" {
		return nil, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--scenario: %w", err)
	}
	scenario, err := konasim.ParseScenario(content)
	if err != nil {
		return nil, fmt.Errorf("--scenario %s: %w", file, err)
	}
	return scenario, nil
}
