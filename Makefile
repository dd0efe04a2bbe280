.DEFAULT_GOAL := help
.PHONY: help build test race integration fuzz lint demo kafka-up kafka-down kill-test retry-test rebuild-test outage-test bench bench-micro bench-compare bench-hol

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## compile the programs into bin/
	go build -o bin/ ./...

test: ## the tests that need nothing but Go
	go test ./...

race: ## the same, with the race detector
	go test -race ./...

integration: ## the tests on a real Kafka and a real Redis, which they start themselves
	.ci/run integration

fuzz: ## each fuzz target for FUZZTIME (default 10000x, a count)
	.ci/run fuzz

lint: ## formatting, go vet, staticcheck, shellcheck
	.ci/run format vet staticcheck shellcheck

demo: ## everything in one process, with nothing installed
	go run ./cmd/demo

kafka-up: ## start a Kafka broker at 127.0.0.1:9092, without containers
	deploy/kafka/kafka.sh start

kafka-down: ## stop it; its data stays in .kafka
	deploy/kafka/kafka.sh stop

kill-test: ## ten SIGKILLs while 20,000 events pass: nothing lost, nothing twice
	CHARGERESULT_KILLS=10 CHARGERESULT_KILL_EVENTS=20000 \
		go test -tags integration -run TestKill -count=1 -v -timeout 30m ./cmd/chargeresult

retry-test: ## 5,000 transactions, a third PENDING, four SIGKILLs and a broker restart: answered once, none asked about early
	CHARGERESULT_RETRY_EVENTS=5000 CHARGERESULT_KILLS=4 \
		go test -tags integration -run 'TestRetries$$|TestRetryOnTime' -count=1 -v -timeout 30m ./cmd/chargeresult

rebuild-test: ## Redis loses its claims under load, and 100,000 results are rebuilt
	CHARGERESULT_REBUILD_RESULTS=100000 \
		go test -tags integration -run 'TestClaimsRebuilt|TestRebuildTime|TestOffsetsAcceptedWithoutClaims' -count=1 -v -timeout 30m ./cmd/chargeresult

outage-test: ## two minutes without Konaplate, halts, the rate limit, a backlog of 100,000
	CHARGERESULT_OUTAGE=2m CHARGERESULT_HERD=500 CHARGERESULT_BACKLOG=100000 \
		go test -tags integration -run 'TestVendorDown|TestHerd|TestSlowDown|TestWrong|DeadLetters|TestBacklog|TestScheduleChanged|TestFirstAsk|TestNotFound|TestDeadline' \
		-count=1 -v -timeout 30m ./cmd/chargeresult

bench: ## against the bare loop: throughput, CPU, memory, latency, several processes, a hot key (BENCH=-only=10ms: one trial; about 40 min in all)
	go run ./cmd/bench $(BENCH)

# What the micro-benchmarks are: those that need no server.
MICRO = go test -run '^$$' -bench 'Decode|Encode|Decide|Flow|Claim|Settle|Inquire|Classify|Compose|Tracker|OffsetMap|Order|Breaker|Pace' -benchmem \
	./events ./processor ./processor/dedup ./processor/inquiry ./processor/stream
BENCHSTAT = golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

bench-micro: ## decode, decide, encode, claims, inquiry, offset map, tracker: time and allocations
	$(MICRO)

bench-compare: ## the micro-benchmarks of BASE (a commit; default HEAD) against those of this tree, by benchstat
	set -e; old=$$(mktemp -d); trap 'git worktree remove --force "$$old/tree"; rm -rf "$$old"' EXIT; \
	git worktree add --quiet --detach "$$old/tree" "$${BASE:-HEAD}"; \
	for round in 1 2 3 4 5 6; do (cd "$$old/tree" && $(MICRO)) >>"$$old/before" || true; $(MICRO) >>"$$old/after"; done; \
	go run $(BENCHSTAT) "$$old/before" "$$old/after"

bench-hol: ## what one slow event costs the others (head-of-line blocking)
	go test -tags integration -run '^$$' -bench BenchmarkHeadOfLine -benchtime 1x ./cmd/chargeresult
