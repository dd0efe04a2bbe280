#!/usr/bin/env bash
# Runs a real Apache Kafka broker (KRaft, one node) from Maven's jars, where there are no containers.
# It listens on 127.0.0.1 without encryption or passwords: for tests and demonstrations only.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")
default_libs=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/chargeresult/kafka-$version
readonly here version default_libs
readonly start_limit=120 stop_limit=60 kill_limit=10 answer_limit=2 # seconds

usage() {
  cat <<EOF
Usage: kafka.sh COMMAND [OPTION]... [ARGUMENT]...

Runs Apache Kafka $version on this machine: one broker for each data folder.

Commands
  fetch              download Kafka's jars (54 MB, once)
  format             make the data folder, unless there is one
  start              start the broker and wait until it answers; fetches and formats where needed
  stop               stop it cleanly, and wait for its end
  kill               stop it with SIGKILL, as a crash would
  status             say whether it runs; exit code 0 if it answers, else 1
  tool NAME [ARG]... run an admin tool on it; without NAME: list the tools
  log [ARG]...       print the end of its log; the arguments are tail's: kafka.sh log -f

Options
  --data DIR           the broker's data, log, pid file and server.properties (default .kafka)
  --libs DIR           the jars (default $default_libs)
  --port P             (default 9092)       at format and start
  --controller-port P  (default port + 1)   at format and start
  --property K=V       a server property; may be repeated; at format and start
  --heap SIZE          the JVM's heap (default 512m); at start
  --feature F=LEVEL    a feature level, such as transaction.version=1; may be repeated; at format only

start writes server.properties anew from its options; the other commands read the port from there.
KAFKA_JVM_PERFORMANCE_OPTS holds more options of the broker's JVM, as for Kafka's own scripts.
EOF
}

main() {
  data=.kafka libs=$default_libs port=9092 controller_port='' heap=512m properties='' features=()
  local command=${1:-help}
  [[ $# = 0 ]] || shift
  while [[ ${1:-} == --* ]]; do
    [[ $1 != --help ]] || { usage; return; }
    [[ $# -ge 2 ]] || die "$1: a value is missing, or there is no such option; see kafka.sh help"
    case $1 in
      --data) data=$2 ;;
      --libs) libs=$2 ;;
      --port) port=$2 ;;
      --controller-port) controller_port=$2 ;;
      --heap) heap=$2 ;;
      --property) properties+=$2$'\n' ;;
      --feature) features+=(--feature "$2") ;;
      *) die "$1: no such option; see kafka.sh help" ;;
    esac
    shift 2
  done
  [[ $data == /* ]] || data=$PWD/$data
  controller_port=${controller_port:-$((port + 1))}
  case $command in tool | log) ;; *) [[ $# = 0 ]] || die "$1: $command takes no arguments" ;; esac
  case $command in
    fetch | format | start | status | tool | log) "$command" "$@" ;;
    stop) end_with TERM "$stop_limit" ;;
    kill) end_with KILL "$kill_limit" ;;
    help | -h | --help) usage ;;
    *) die "$command: no such command; see kafka.sh help" ;;
  esac
}

# fetch downloads beside the final folder and moves: an interrupted download leaves nothing that looks complete.
fetch() {
  [[ ! -d $libs ]] || return 0
  need java openjdk-17-jre-headless
  need mvn maven
  mkdir -p "$(dirname "$libs")"
  local part
  part=$(mktemp -d "$libs.XXXXXX")
  # shellcheck disable=SC2064 # expanded now, because part is local
  trap "rm -rf '$part'" EXIT
  echo "kafka: downloading Kafka $version into $libs"
  mvn -q -B --strict-checksums -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$part/jars" ||
    die "the download failed: see Maven's words above"
  [[ -d $libs ]] || mv "$part/jars" "$libs" # else another fetch was faster
  rm -rf "$part"
  trap - EXIT
}

format() {
  if [[ -e $data/topics/meta.properties ]]; then
    [[ ${#features[@]} = 0 ]] || die "$data is formatted already, and feature levels are set at format: use an empty --data folder"
    return
  fi
  fetch
  need java openjdk-17-jre-headless
  mkdir -p "$data"
  write_properties
  local cluster_id said
  cluster_id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=') # Kafka's form of a UUID, with no leading dash
  said=$(run_java -Xmx256m kafka.tools.StorageTool format -t "$cluster_id" -c "$data/server.properties" \
    ${features[@]+"${features[@]}"} 2>&1) || die "format of $data failed:"$'\n'"$said"
}

start() {
  local pid limit=$((SECONDS + start_limit))
  pid=$(broker_pid) || launch
  port=$(broker_port)
  until answers "$port"; do
    kill -0 "$pid" 2>/dev/null || start_failed "the broker ended while starting"
    ((SECONDS < limit)) || start_failed "pid $pid does not answer after $start_limit s (kafka.sh kill ends it)"
    sleep 0.1
  done
  echo "kafka: running: 127.0.0.1:$port, pid $pid, data $data"
}

# launch starts the broker in the background and sets pid.
launch() {
  [[ ${#features[@]} = 0 ]] || die "--feature belongs to format"
  ! is_open "$port" || die "port $port is taken: choose another with --port"
  ! is_open "$controller_port" || die "port $controller_port is taken: choose another with --controller-port"
  format
  fetch
  need java openjdk-17-jre-headless
  write_properties
  set -m # a process group of its own: Ctrl-C in the terminal is not for the broker
  # shellcheck disable=SC2086 # several options
  nohup java "-Xmx$heap" ${KAFKA_JVM_PERFORMANCE_OPTS:-} -XX:+ExitOnOutOfMemoryError -Dorg.slf4j.simpleLogger.showDateTime=true \
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS" \
    -cp "$libs/*" kafka.Kafka "$data/server.properties" >>"$data/broker.log" 2>&1 </dev/null &
  pid=$!
  set +m
  echo "$pid" >"$data/broker.pid"
}

start_failed() {
  tail -n 30 "$data/broker.log" >&2
  die "$1; above: the end of $data/broker.log"
}

# end_with sends the broker a signal and waits for its end. A broker that does not run is fine.
end_with() {
  local signal=$1 limit=$((SECONDS + $2)) pid
  if ! pid=$(broker_pid); then
    echo "kafka: not running: data $data"
    return
  fi
  port=$(broker_port)
  kill "-$signal" "$pid"
  # The command line of a process is gone before its sockets are, and where nobody reaps it, its pid stays after both.
  while broker_pid >/dev/null || { kill -0 "$pid" 2>/dev/null && is_open "$port"; }; do
    ((SECONDS < limit)) || die "pid $pid still runs $2 s after SIG$signal: try kafka.sh kill, see kafka.sh log"
    sleep 0.05
  done
  rm -f "$data/broker.pid"
}

status() {
  local pid
  pid=$(broker_pid) || die "not running: data $data"
  port=$(broker_port)
  answers "$port" || die "not answering: 127.0.0.1:$port, pid $pid, data $data"
  echo "kafka: running: 127.0.0.1:$port, pid $pid, data $data"
}

tool() {
  local class
  case ${1:-} in
    topics) class=org.apache.kafka.tools.TopicCommand ;;
    groups) class=org.apache.kafka.tools.GroupsCommand ;;
    consumer-groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
    configs) class=kafka.admin.ConfigCommand ;;
    transactions) class=org.apache.kafka.tools.TransactionsCommand ;;
    features) class=org.apache.kafka.tools.FeatureCommand ;;
    get-offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
    delete-records) class=org.apache.kafka.tools.DeleteRecordsCommand ;;
    console-producer) class=org.apache.kafka.tools.ConsoleProducer ;;
    console-consumer) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
    dump-log) class=kafka.tools.DumpLogSegments ;;
    *) die "tool: name one of topics, groups, consumer-groups, configs, transactions, features, get-offsets," \
      "delete-records, console-producer, console-consumer, dump-log" ;;
  esac
  local name=$1
  shift
  if [[ $name != dump-log ]]; then
    port=$(broker_port)
    set -- --bootstrap-server "127.0.0.1:$port" "$@"
  fi
  fetch
  need java openjdk-17-jre-headless
  run_java -Xmx256m "$class" "$@"
}

log() {
  [[ -e $data/broker.log ]] || die "no log: no broker was started in $data"
  [[ $# -gt 0 ]] || set -- -n 100
  tail "$@" "$data/broker.log"
}

# write_properties sizes everything for one node, and shortens what a test would wait for.
# Kafka takes the last line of a property that is named twice.
write_properties() {
  cat >"$data/server.properties" <<EOF
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:$controller_port
log.dirs=$data/topics
auto.create.topics.enable=false

# There is one replica of everything.
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4

# After a crash the broker is let in again when its old session has ended: 3 s instead of 9.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500

# Groups form at once, their sessions may be short, and a dead client's transaction is aborted within 1 s of its timeout.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000

$properties
EOF
}

# broker_pid prints the pid of this data folder's broker; it fails if none runs. Its command line must name the
# folder, because the system may have given the pid of a dead broker to another process.
broker_pid() {
  local pid
  pid=$(cat "$data/broker.pid" 2>/dev/null) && [[ $(command_line "$pid") == *" $data/server.properties"* ]] && echo "$pid"
}

command_line() { tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" || ps -o command= -p "$1"; } 2>/dev/null

broker_port() {
  sed -n 's/^advertised.listeners=.*://p' "$data/server.properties" 2>/dev/null ||
    die "no broker in $data: start one, or name its folder with --data"
}

is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# answers asks for the API versions, which every broker serves: a stopped process has an open port, too.
# The first byte of the reply, that of its length, is zero.
answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf '\0\0\0\012\0\022\0\0\0\0\0\001\377\377' >&3
    read -r -d '' -t "$answer_limit" -u 3
  ) 2>/dev/null
}

# run_java runs a short-lived program: quick to start, silent but for errors.
run_java() { java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$libs/*" "$@"; }

need() { command -v "$1" >/dev/null || die "$1 is missing: apt-get install $2"; }

die() {
  echo "kafka: $*" >&2
  exit 1
}

main "$@"
