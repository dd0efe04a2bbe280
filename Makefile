.DEFAULT_GOAL := help
.PHONY: help build test race integration fuzz lint demo kafka-up kafka-down kill-test retry-test rebuild-test outage-test bench-hol

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

bench-hol: ## what one slow event costs the others (head-of-line blocking)
	go test -tags integration -run '^$$' -bench BenchmarkHeadOfLine -benchtime 1x ./cmd/chargeresult
