#!/usr/bin/env bash
# Plays the upstream systems: charges and cancellations, at a steady rate, until it is stopped. It needs bash 5 and Kafka's console producer.
# Most are answered at once. Some sequence IDs ask the simulator for something else by how they begin (go doc ./processor/inquiry/konasim),
# and now and then an event comes twice, contradicts another, or is damaged: then there is something to look at.
#
# Environment: FEED_BROKER (host:port), FEED_RATE (events a second, 1 to 200), FEED_BEAT (a file that is touched at every event),
# KAFKA_HOME (where Kafka is).
set -euo pipefail
export LC_ALL=C TZ=UTC

readonly broker=${FEED_BROKER:?host:port} rate=${FEED_RATE:?events a second} beat=${FEED_BEAT:?a file}
[[ $rate =~ ^[1-9][0-9]{0,2}$ && $rate -le 200 ]] || { echo "feed: FEED_RATE=$rate: expected 1 to 200" >&2 && exit 2; }

producer() {
  # A transaction's records must stay in order, and none may be written twice: the producer's defaults. A tab parts key and value.
  "${KAFKA_HOME:?}/bin/kafka-console-producer.sh" --bootstrap-server "$broker" --topic "$1" \
    --property parse.key=true --property "key.separator=$(printf '\t')" --producer-property linger.ms=20
}

# event writes a record: key, correlation ID and sequence ID, as of now.
event() {
  local now=$EPOCHREALTIME at
  printf -v at '%(%Y-%m-%dT%H:%M:%S)T.%sZ' "${now%.*}" "${now#*.}"
  printf '%s\t{"correlationId":"%s","sequenceId":"%s","requestedAt":"%s"}\n' "$1" "$2" "$3" "$at"
}

charge() {
  printf -v id '%(%y%m%d%H%M%S)T-%07x' -1 "$((n % 0x10000000))"
  printf -v sequence '%s%010d' "${1}CHG" "$n"
  card=card-$((RANDOM % 500))
  event "$card" "$id" "$sequence" >&"$charges"
}

feed_one() {
  case $((n % 500)) in
    50) charge PENDING-1- ;;           # answered at the second ask
    150) charge NOTFOUND-1- ;;         # the inquiry overtook the charge
    250) charge NOTFOUND- ;;           # never known: UNKNOWN after the grace
    350) charge PENDING- ;;            # never final: waits, and waits again, for a day
    100 | 200 | 300) event "$card" "$id" "$sequence" >&"$charges" ;; # the one before, again
    400) event "$card" "$id" "ODD$sequence" >&"$charges" ;;          # contradicts the one before: a dead letter
    450) printf '%s\tcorrelationId=%s\n' "$card" "$id" >&"$charges" ;; # no JSON: a dead letter
    *[05]) printf -v sequence 'CAN%010d' "$n" && event "$card" "$id" "$sequence" >&"$cancellations" ;; # takes back the one before
    *) charge '' ;;
  esac
}

exec {charges}> >(producer charge-requested) {cancellations}> >(producer charge-cancelled)
card='' id='' sequence='' n=0
charge ''
started=${EPOCHREALTIME/./}
echo "feed: $rate events a second to $broker"
while true; do
  n=$((n + 1))
  feed_one
  : >"$beat"
  ahead=$((started + n * 1000000 / rate - ${EPOCHREALTIME/./}))
  ((ahead > -1000000)) || started=$((started - ahead)) # a machine that slept does not catch up
  ((ahead <= 0)) || sleep "$((ahead / 1000000)).$(printf %06d $((ahead % 1000000)))"
done
