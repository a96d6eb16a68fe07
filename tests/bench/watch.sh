#!/bin/bash
# What the watcher costs, next to the least that it could cost, lsyncd and inotifywait. README.md
# here says how to read what this prints. It never fails because something is slow.
#   tests/bench/watch.sh [PART...]     crawl targets drain hot; all without arguments
# Environment: ROUNDS (5), DIRECTORIES (100000), FILES in each directory (0), TMPDIR (/tmp).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"

declare -ri rounds=${ROUNDS:-5} directories=${DIRECTORIES:-100000} files=${FILES:-0}
declare -ri events=200000 rewrites=100000
readonly out=$root/build/bench bin=$root/build/bench/bin
readonly mirrord=$root/build/release/src/mirrord
declare -A samples                # NAME -> one value a round
declare -a names=() table=() skipped=()  # in order of appearance; what is printed in the end
declare -a parts=("$@")
((${#parts[@]})) || parts=(crawl targets drain hot)

# ---- programs

install_peers() {
  local -a missing=()
  command -v lsyncd >/dev/null || missing+=(lsyncd)
  command -v inotifywait >/dev/null || missing+=(inotify-tools)
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || {
    skipped+=("${missing[*]}: not installed, and only root can")
    return 0
  }
  export DEBIAN_FRONTEND=noninteractive
  quietly "$out/apt.log" apt-get -q -o DPkg::Lock::Timeout=300 update
  quietly "$out/apt.log" apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "${missing[@]}"
}

build_helpers() {
  local helper
  mkdir -p "$bin"
  for helper in until_ready walk_floor read_floor make_tree make_events; do
    g++ -std=c++20 -O2 -Wall -Wextra "$here/$helper.cpp" -o "$bin/$helper"
  done
}

# The stand-in for lsyncd's rsync: the first one that is started tells that all is watched.
write_marker() {
  printf '#!/bin/sh\nexec systemd-notify --no-block --ready\n' >"$lab/marker"
  chmod 755 "$lab/marker"
}

# ---- samples

sample() { # NAME VALUE
  [[ -v samples[$1] ]] || names+=("$1")
  samples[$1]+="${samples[$1]:+ }$2"
}

# Median, least and greatest of the quotients of the rounds.
row() { # TEXT GOAL NAME-ABOVE NAME-BELOW
  [[ -v samples[$3] && -v samples[$4] ]] || return 0
  local quotients
  quotients=$(paste <(tr ' ' '\n' <<<"${samples[$3]}") <(tr ' ' '\n' <<<"${samples[$4]}") |
    awk '{ printf "%.4f\n", $1 / ($2 ? $2 : 1) }')
  summary "$1" "$2" "$quotients"
}

# The same of a sample itself, in another unit.
row_of() { # TEXT GOAL NAME DIVISOR
  [[ -v samples[$3] ]] || return 0
  summary "$1" "$2" "$(tr ' ' '\n' <<<"${samples[$3]}" | awk -v by="$4" '{ printf "%.4f\n", $1 / by }')"
}

summary() { # TEXT GOAL LINES
  local line
  line=$(sort -g <<<"$3" | awk -v text="$1" -v goal="$2" '
    { v[NR] = $1 }
    END {
      median = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
      printf "%-52s %9.2f %9.2f %9.2f  %s", text, median, v[1], v[NR], goal
    }')
  table+=("$line")
}

write_json() {
  local name separator=
  {
    printf '{"kernel": "%s", "cpus": %d, "rounds": %d, "directories": %d, "files": %d' \
      "$(uname -r)" "$(nproc)" "$rounds" "$directories" "$files"
    printf ', "events": %d, "rewrites": %d,\n "samples": {' "$events" "$rewrites"
    for name in "${names[@]}"; do
      printf '%s\n  "%s": [%s]' "$separator" "$name" "${samples[$name]// /, }"
      separator=,
    done
    printf '\n }\n}\n'
  } >"$out/watch.json"
}

# ---- processes; each is ended by until_ready when its standard input ends

# Runs a command until it is ready and at rest, then ends it.
once() { # NAME COMMAND...
  local name=$1 line
  shift
  line=$("$bin/until_ready" "$lab/log" "$@" </dev/null) || failed_to_start "$name"
  note "$name" "$line"
  sleep 0.5 # the kernel frees watches in the background
}

# The same, but it stays, as process $pid, until leave.
enter() { # NAME COMMAND...
  local name=$1 line
  shift
  coproc guest { exec "$bin/until_ready" "$lab/log" "$@"; }
  read -r line <&"${guest[0]}" || failed_to_start "$name"
  pid=${line%% *}
  note "$name" "$line"
}

leave() {
  local guest_pid=$guest_PID input=${guest[1]}
  exec {input}>&-
  wait "$guest_pid"
}

note() { # NAME "PID WALL_US CPU_US ANON_KIB"
  local -a fields
  read -ra fields <<<"$2"
  ! grep -q 'limit of' "$lab/log" || die "$1 reached a limit of inotify: $(tail -n 3 "$lab/log")"
  sample "$1.wall_us" "${fields[1]}"
  sample "$1.cpu_us" "${fields[2]}"
  sample "$1.anon_kib" "${fields[3]}"
}

failed_to_start() { # NAME
  tail -n 5 "$lab/log" >&2
  die "$1 ended before it was ready"
}

mirrord_config() { # DIRECTORY SOURCE TARGETS
  local i targets=
  for ((i = 0; i < $3; ++i)); do
    mkdir -p "$lab/target$i"
    targets+="{to = \"$lab/target$i\", name = \"t$i\"}, "
  done
  mkdir -p "$1"
  chmod 755 "$1"
  cat >"$1/bench.toml" <<EOT
[groups.bench]
source = "$2"
targets = [$targets]
delay = "1h"
max_delay = "1h"
rsync.program = "/bin/true"
EOT
  chmod 644 "$1/bench.toml"
}

lsyncd_config() { # FILE SOURCE TARGETS
  local i
  echo 'settings { nodaemon = true }' >"$1"
  for ((i = 0; i < $3; ++i)); do
    mkdir -p "$lab/target$i"
    echo "sync { default.rsync, source = '$2', target = '$lab/target$i'," \
      "rsync = { binary = '$lab/marker' } }" >>"$1"
  done
}

mirrord_on() { # CONFIG-DIRECTORY BUS
  command=("$mirrord" --config-dir "$1" --bus "${2:-none}" --log-target stderr --log-level warning)
}

have() { command -v "$1" >/dev/null; }

# ---- a, b: the start on a large tree, and the memory that it takes

crawl() {
  local tree=$lab/crawl round
  can_watch "$directories" || return 0
  say "crawl: making $directories directories with $files files each"
  "$bin/make_tree" "$tree" "$directories" "$files"
  mkdir "$lab/empty"
  mirrord_config "$lab/mirrord.crawl" "$tree" 1
  mirrord_config "$lab/mirrord.empty" "$lab/empty" 1
  lsyncd_config "$lab/lsyncd.crawl" "$tree" 1
  lsyncd_config "$lab/lsyncd.empty" "$lab/empty" 1
  # The first one warms the cache, and shows whether there are watches enough.
  "$bin/until_ready" "$lab/log" --line watched "$bin/walk_floor" "$tree" </dev/null >/dev/null || {
    skipped+=("crawl: $(tail -n 1 "$lab/log"); other programs hold watches, try fewer DIRECTORIES")
    rm -rf "$tree"
    return 0
  }
  for ((round = 1; round <= rounds; ++round)); do
    say "crawl: round $round of $rounds"
    once crawl.floor --line watched "$bin/walk_floor" "$tree"
    mirrord_on "$lab/mirrord.crawl"
    once crawl.mirrord "${command[@]}"
    ! have lsyncd || once crawl.lsyncd lsyncd "$lab/lsyncd.crawl"
    ! have inotifywait ||
      once crawl.inotifywait --line 'Watches established' inotifywait -r -m "$tree"
    mirrord_on "$lab/mirrord.empty"
    once empty.mirrord "${command[@]}"
    ! have lsyncd || once empty.lsyncd lsyncd "$lab/lsyncd.empty"
    memory mirrord
    memory lsyncd
  done
  rm -rf "$tree"
  row "start, wall: mirrord / lsyncd" "<= 0.6" crawl.mirrord.wall_us crawl.lsyncd.wall_us
  row "start, wall: mirrord / inotifywait -r" "" crawl.mirrord.wall_us crawl.inotifywait.wall_us
  row "start, wall: mirrord / floor" "" crawl.mirrord.wall_us crawl.floor.wall_us
  row "start, wall: lsyncd / floor" "" crawl.lsyncd.wall_us crawl.floor.wall_us
  row "start, CPU: mirrord / lsyncd" "" crawl.mirrord.cpu_us crawl.lsyncd.cpu_us
  row "start, CPU: mirrord / inotifywait -r" "" crawl.mirrord.cpu_us crawl.inotifywait.cpu_us
  row "start, CPU: mirrord / floor" "" crawl.mirrord.cpu_us crawl.floor.cpu_us
  row "start, CPU: lsyncd / floor" "" crawl.lsyncd.cpu_us crawl.floor.cpu_us
  row_of "memory, bytes a directory: mirrord" "<= 100" memory.mirrord.bytes 1
  row_of "memory, bytes a directory: lsyncd" "" memory.lsyncd.bytes 1
}

memory() { # PROGRAM
  local -a full empty
  [[ -v samples[crawl.$1.anon_kib] ]] || return 0
  read -ra full <<<"${samples[crawl.$1.anon_kib]}"
  read -ra empty <<<"${samples[empty.$1.anon_kib]}"
  sample "memory.$1.bytes" $(((full[-1] - empty[-1]) * 1024 / directories))
}

can_watch() { # DIRECTORIES
  local -i limit
  limit=$(</proc/sys/fs/inotify/max_user_watches)
  (($1 <= 150000 && $1 + 10000 <= limit)) && return
  skipped+=("$1 directories: fs.inotify.max_user_watches is $limit; at most 150000 are watched here")
  return 1
}

# ---- e: several targets on one source

targets() {
  local tree=$lab/targets round
  local -i count=$((directories / 2)) n
  can_watch "$count" || return 0
  say "targets: making $count directories"
  "$bin/make_tree" "$tree" "$count" "$files"
  for n in 1 5; do
    mirrord_config "$lab/mirrord.to$n" "$tree" "$n"
    lsyncd_config "$lab/lsyncd.to$n" "$tree" "$n"
  done
  for ((round = 1; round <= rounds; ++round)); do
    say "targets: round $round of $rounds"
    for n in 1 5; do
      mirrord_on "$lab/mirrord.to$n"
      once "targets$n.mirrord" "${command[@]}"
      ! have lsyncd || once "targets$n.lsyncd" lsyncd "$lab/lsyncd.to$n"
    done
  done
  rm -rf "$tree"
  row "start, CPU: mirrord, 5 targets / 1 target" "<= 1.2" targets5.mirrord.cpu_us targets1.mirrord.cpu_us
  row "start, CPU: lsyncd, 5 targets / 1 target" "" targets5.lsyncd.cpu_us targets1.lsyncd.cpu_us
}

# ---- c: draining the queue

drain() {
  local round what
  local -i count=$((events / 3))
  for what in unlink stay; do
    for ((round = 1; round <= rounds; ++round)); do
      say "drain ($what): round $round of $rounds"
      fresh_directory "$fast/drain"
      enter start.read_floor --line reading "$bin/read_floor" "$fast/drain"
      sample "drain.$what.floor.cpu_us" "$("$bin/make_events" "$what" "$pid" "$fast/drain" "$count")"
      leave
      grep -q ' overflows 0$' "$lab/log" || die "the queue overflowed: $(tail -n 1 "$lab/log")"
      fresh_directory "$fast/drain"
      mirrord_config "$lab/mirrord.drain" "$fast/drain" 1
      mirrord_on "$lab/mirrord.drain"
      enter start.mirrord "${command[@]}"
      sample "drain.$what.mirrord.cpu_us" "$("$bin/make_events" "$what" "$pid" "$fast/drain" "$count")"
      leave
      ! grep -q overflow "$lab/log" || die "the queue overflowed: $(tail -n 1 "$lab/log")"
    done
    row "drain ($what), CPU: mirrord / bare read" "<= 3" "drain.$what.mirrord.cpu_us" "drain.$what.floor.cpu_us"
    row_of "drain ($what), us of CPU an event: mirrord" "" "drain.$what.mirrord.cpu_us" $((count * 3))
    row_of "drain ($what), us of CPU an event: bare read" "" "drain.$what.floor.cpu_us" $((count * 3))
  done
}

fresh_directory() {
  rm -rf "$1"
  mkdir "$1"
}

# ---- d: one file that is written over and over

hot() {
  local round bus=unix:path=$lab/bus
  start_bus
  for ((round = 1; round <= rounds; ++round)); do
    say "hot file: round $round of $rounds"
    fresh_directory "$fast/hot"
    echo >"$fast/hot/hot"
    enter start.read_floor --line reading "$bin/read_floor" "$fast/hot"
    sample hot.floor.cpu_us "$("$bin/make_events" rewrite "$pid" "$fast/hot" "$rewrites")"
    leave
    mirrord_config "$lab/mirrord.hot" "$fast/hot" 1
    mirrord_on "$lab/mirrord.hot" "$bus"
    enter start.mirrord "${command[@]}"
    sample hot.mirrord.cpu_us "$("$bin/make_events" rewrite "$pid" "$fast/hot" "$rewrites")"
    sample hot.pending "$(pending "$bus")"
    leave
    sample hot.overflows "$(grep -c overflow "$lab/log" || true)"
  done
  row "hot file, CPU: mirrord / bare read" "" hot.mirrord.cpu_us hot.floor.cpu_us
  row_of "hot file, us of CPU a rewrite: mirrord" "" hot.mirrord.cpu_us "$rewrites"
  row_of "hot file, pending paths" "1" hot.pending 1
  row_of "hot file, overflows of the queue" "0" hot.overflows 1
}

start_bus() {
  cat >"$lab/bus.conf" <<EOT
<busconfig>
  <type>session</type>
  <listen>unix:path=$lab/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
EOT
  dbus-daemon --nofork --nopidfile --config-file="$lab/bus.conf" >"$lab/bus.log" 2>&1 &
  bus_pid=$!
  until [[ -S $lab/bus ]]; do
    kill -0 "$bus_pid" || die "dbus-daemon does not start: $(<"$lab/bus.log")"
    sleep 0.05
  done
}

pending() { # BUS
  local target
  target=$(busctl --address="$1" call org.mirrord1 /org/mirrord1 org.mirrord1.Manager \
    GetTarget ss bench t0 | sed 's/.*"\(.*\)"/\1/')
  busctl --address="$1" get-property org.mirrord1 "$target" org.mirrord1.Target Pending |
    awk '{ print $2 }'
}

# ----

clean_up() {
  [[ ! -v guest_PID ]] || kill "$guest_PID" 2>/dev/null || true
  [[ ! -v bus_pid ]] || kill "$bus_pid" 2>/dev/null || true
  rm -rf "$lab" "$fast"
}

install_build_deps
build release mirrord -DCMAKE_BUILD_TYPE=Release -DMIRRORD_TESTS=OFF
mkdir -p "$out"
install_peers
build_helpers
lab=$(mktemp -d -t mirrord-bench.XXXXXX)
# Where files are made: in memory, because what a disk needs for them takes longer than all else.
fast=$lab
[[ ! -w /dev/shm ]] || fast=$(mktemp -d -p /dev/shm mirrord-bench.XXXXXX)
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
write_marker
for part in "${parts[@]}"; do
  case $part in
    crawl | targets | drain | hot) "$part" ;;
    *) die "no such part: $part (crawl targets drain hot)" ;;
  esac
  write_json # what there is so far
done
printf '\n%-52s %9s %9s %9s  %s\n' "$rounds rounds" median min max goal
printf '%s\n' "${table[@]}"
((${#skipped[@]} == 0)) || printf 'skipped: %s\n' "${skipped[@]}"
say "all samples: ${out#"$root"/}/watch.json"
