#!/bin/bash
# mirrord in one minute: the story of a web content source and its two mirrors, on this machine.
#
# Builds a release, then plays the story in a temporary directory as the user who calls it: a source
# whose directories are links into other people's homes, two real sshds on the loopback address, a
# private message bus, mirrord itself. Makes changes of every kind and prints how long each took to
# be on both targets. Exits 0 only if both targets equal the source in the end, by checksum.
# Nothing outside that directory and build/ is touched, but for the packages that are missing.
set -euo pipefail
umask 022
export LC_ALL=C.UTF-8

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"

patience_us=30000000
keep=no
outage_seconds=3
declare -A pids=() ports=() copy=()
declare -a times=()

usage() {
  cat <<USAGE
usage: packaging/demo.sh [--keep] [--outage SECONDS]
  --keep            leaves everything running and says how to watch it and how to end it
  --outage SECONDS  how long the second target is away in the middle (default 3, 0 = not at all)
USAGE
}

parse_arguments() {
  while (($#)); do
    case $1 in
      --keep) keep=yes ;;
      --outage)
        [[ ${2-} =~ ^[0-9]+$ ]] || { usage >&2; exit 2; }
        outage_seconds=$2
        shift
        ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
}

# --- Looks ---------------------------------------------------------------------------------------

bold='' dim='' red='' green='' plain=''
if [[ -t 1 ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

line() { # VERB WHAT VIA MILLISECONDS
  printf '  %-9s %-38s %-18s %7s ms\n' "$@"
}

fail() {
  printf '\n%s%s%s\n' "$red" "$*" "$plain"
  if [[ -s $lab/mirrord.log ]]; then
    title "the end of mirrord's log"
    tail -n 20 "$lab/mirrord.log"
  fi
  exit 1
}

# --- Processes -----------------------------------------------------------------------------------

# In sessions of their own, so that with --keep they outlive the terminal.
launch() { # NAME COMMAND...
  local name=$1
  shift
  setsid "$@" >>"$lab/$name.log" 2>&1 </dev/null &
  pids[$name]=$!
}

# A process and all below it: an sshd session is in no process group of its server.
with_descendants() { # PID
  local pid=$1 stat text
  local -a fields
  printf '%s\n' "$pid"
  for stat in /proc/[0-9]*/stat; do
    { read -r text <"$stat"; } 2>/dev/null || continue
    read -ra fields <<<"${text##*) }"
    [[ ${fields[1]} == "$pid" ]] || continue
    stat=${stat#/proc/}
    with_descendants "${stat%/stat}"
  done
}

end_process() { # NAME
  local pid=${pids[$1]-}
  [[ $pid ]] || return 0
  unset "pids[$1]"
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

# With its sessions, all at once, as a power failure does. Stopped first, so that it accepts no more.
cut_power() { # TARGET
  local pid=${pids[sshd.$1]-} tree
  [[ $pid ]] || return 0
  unset "pids[sshd.$1]"
  kill -STOP "$pid" 2>/dev/null || true
  mapfile -t tree < <(with_descendants "$pid")
  kill -KILL "${tree[@]}" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

cleanup() {
  [[ -n ${lab-} ]] || return 0
  end_process mirrord
  cut_power tgt1
  cut_power tgt2
  end_process bus
  if [[ ${made_run_sshd-} ]]; then rmdir /run/sshd 2>/dev/null || true; fi
  rm -rf "$lab"
}

# --- The story -----------------------------------------------------------------------------------

make_source() {
  contents=$lab/org/home/webmgr/contents
  images=$lab/org/home/imgcms/images
  cgi_bins=$lab/org/home/cgicms/cgi-bins
  copy[tgt1]=$lab/tgt1/home/webmgr/contents
  copy[tgt2]=$lab/tgt2/home/webmgr/contents
  mkdir -p "$contents/news" "$images/icons" "$cgi_bins" "$images-2027"
  echo '<h1>welcome</h1>' >"$contents/index.html"
  echo '<p>nothing new</p>' >"$contents/news/today.html"
  echo '<svg id="home"/>' >"$images/icons/home.svg"
  echo '<svg id="2027"/>' >"$images-2027/banner.svg"
  counter_cgi=$'#!/bin/sh\necho hits: 1'
  # shellcheck disable=SC2034 # a check reads it
  counter_cgi_appended=$counter_cgi$'\nexit'
  echo "$counter_cgi" >"$cgi_bins/counter.cgi"
  chmod 755 "$cgi_bins/counter.cgi"
  ln -s ../../imgcms/images "$contents/images"
  ln -s ../../cgicms/cgi-bins "$contents/cgi-bins"
}

# sshd that root starts insists on this empty directory, which else only its service makes.
provide_run_sshd() {
  if ((EUID == 0)) && [[ ! -d /run/sshd ]]; then
    mkdir -m 755 /run/sshd
    made_run_sshd=yes
  fi
}

# Without PAM, sshd refuses an account whose password is locked, key or no key.
pam() {
  local entry=''
  if ((EUID == 0)); then entry=$(getent shadow "$(id -un)" || true); fi
  if [[ $entry == *:!* ]]; then echo yes; else echo no; fi
}

# The home of a session is an empty directory, so that nobody's shell start-up files take part.
sshd_config() { # TARGET
  cat <<CONFIG
ListenAddress 127.0.0.1
Port ${ports[$1]}
HostKey $lab/ssh/host-key
AuthorizedKeysFile $lab/ssh/authorized_keys
SetEnv HOME=$lab/ssh/empty
PidFile none
StrictModes no
UsePAM $(pam)
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
UseDNS no
CONFIG
}

make_keys() {
  mkdir -p "$lab/ssh/empty"
  ssh-keygen -q -t ed25519 -N '' -C mirrord-demo -f "$lab/ssh/host-key"
  ssh-keygen -q -t ed25519 -N '' -C mirrord-demo -f "$lab/ssh/sync-key"
  cp "$lab/ssh/sync-key.pub" "$lab/ssh/authorized_keys"
}

# Its own word in its own log says that it listens: somebody else's answer on the port does not.
sshd_listens() { # TARGET
  local sshd text
  sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)
  : >"$lab/sshd.$1.log"
  launch "sshd.$1" "$sshd" -D -e -f "$lab/ssh/$1.conf"
  until IFS= read -r text <"$lab/sshd.$1.log" && [[ $text == 'Server listening on 127.0.0.1 '* ]]; do
    [[ -d /proc/${pids[sshd.$1]} ]] || return 1
    pause
  done
}

start_sshd() { # TARGET
  local attempt
  for attempt in {1..20}; do
    ports[$1]=$((10000 + RANDOM % 22000))
    sshd_config "$1" >"$lab/ssh/$1.conf"
    sshd_listens "$1" && break
    ((attempt < 20)) || { cat "$lab/sshd.$1.log"; fail "no sshd for $1"; }
  done
  printf '[127.0.0.1]:%d %s\n' "${ports[$1]}" "$(<"$lab/ssh/host-key.pub")" >>"$lab/ssh/known_hosts"
}

start_bus() {
  address=unix:path=$lab/bus.socket
  cat >"$lab/bus.conf" <<CONFIG
<busconfig>
  <type>session</type>
  <listen>$address</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
CONFIG
  launch bus dbus-daemon --nofork --nopidfile --config-file="$lab/bus.conf"
  until [[ -S $lab/bus.socket ]]; do
    [[ -d /proc/${pids[bus]} ]] || fail "dbus-daemon does not start: $(<"$lab/bus.log")"
    pause
  done
}

write_config() {
  mkdir -p "$lab/etc"
  cat >"$lab/etc/web.toml" <<CONFIG
[groups.web]
source = "$contents"

[groups.web.ssh]
identity_file = "$lab/ssh/sync-key"
known_hosts_file = "$lab/ssh/known_hosts"

[[groups.web.targets]]
name = "tgt1.host.local"
to = "$(id -un)@127.0.0.1:${copy[tgt1]}"
ssh.port = ${ports[tgt1]}

[[groups.web.targets]]
name = "tgt2.host.local"
to = "$(id -un)@127.0.0.1:${copy[tgt2]}"
ssh.port = ${ports[tgt2]}
CONFIG
}

start_mirrord() {
  mkdir -p "$lab/run" "$lab/state" "${copy[@]}"
  launch mirrord env "RUNTIME_DIRECTORY=$lab/run" "STATE_DIRECTORY=$lab/state" \
    "$bin/mirrord" --config-dir "$lab/etc" --bus "$address" --log-target stderr
}

# --- Changes and their clock ---------------------------------------------------------------------

# A millisecond without a process of its own, which would take longer than that to start.
pause() { read -rt 0.001 -u "$never" || true; }

holds() { # FILE TEXT
  local text=''
  [[ -f $1 ]] || return 1
  { IFS= read -r -d '' text <"$1" || true; } 2>/dev/null
  [[ $text == "$2"$'\n' ]]
}

# Waits until CHECK, in which $t is the copy, is true of every TARGET; sets elapsed_ms.
wait_for() { # WHAT CHECK BEGIN TARGET...
  local what=$1 check=$2 target t
  local -i begin=${3//[!0-9]/} now
  shift 3
  for target in "$@"; do
    # shellcheck disable=SC2034 # the check reads it
    t=${copy[$target]}
    until eval "$check"; do
      [[ -d /proc/${pids[mirrord]} ]] || fail "mirrord has ended"
      now=${EPOCHREALTIME//[!0-9]/}
      ((now - begin < patience_us)) || fail "$what is not on $target after $((patience_us / 1000000)) s"
      pause
    done
  done
  now=${EPOCHREALTIME//[!0-9]/}
  elapsed_ms=$(((now - begin + 500) / 1000))
}

change() { # VERB WHAT VIA COMMAND CHECK
  local begin=$EPOCHREALTIME
  eval "$4"
  wait_for "$1 $2" "$5" "$begin" tgt1 tgt2
  times+=("$elapsed_ms")
  line "$1" "$2" "$3" "$elapsed_ms"
}

# The commands and checks are given as text, to be run when it is their turn.
# shellcheck disable=SC2016
make_changes() {
  local link='the link' real='the real path' own='the source'
  change create about.html "$own" \
    'echo about us >"$contents/about.html"' 'holds "$t/about.html" "about us"'
  change create images/logo.svg "$link" \
    'echo one >"$contents/images/logo.svg"' 'holds "$t/images/logo.svg" one'
  change create images/photo.jpg "$real" \
    'echo photo >"$images/photo.jpg"' 'holds "$t/images/photo.jpg" photo'
  change rewrite images/logo.svg "$link" \
    'echo two >"$contents/images/logo.svg"' 'holds "$t/images/logo.svg" two'
  change rewrite images/logo.svg "$real" \
    'echo six >"$images/logo.svg"' 'holds "$t/images/logo.svg" six'
  change append cgi-bins/counter.cgi "$real" \
    'echo exit >>"$cgi_bins/counter.cgi"' \
    'holds "$t/cgi-bins/counter.cgi" "$counter_cgi_appended"'
  change 'chmod -x' cgi-bins/counter.cgi "$link" \
    'chmod -x "$contents/cgi-bins/counter.cgi"' '[[ ! -x $t/cgi-bins/counter.cgi ]]'
  change 'chmod +x' cgi-bins/counter.cgi "$real" \
    'chmod +x "$cgi_bins/counter.cgi"' '[[ -x $t/cgi-bins/counter.cgi ]]'
  change rename 'images/logo.svg -> mark.svg' "$link" \
    'mv "$contents/images/logo.svg" "$contents/images/mark.svg"' \
    '[[ -e $t/images/mark.svg && ! -e $t/images/logo.svg ]]'
  change move 'images/mark.svg -> cgi-bins/' "$real" \
    'mv "$images/mark.svg" "$cgi_bins/"' '[[ -e $t/cgi-bins/mark.svg && ! -e $t/images/mark.svg ]]'
  change 'mkdir -p' 'images/2026/11/23/ with a file' "$link" \
    'mkdir -p "$contents/images/2026/11/23"; echo deep >"$contents/images/2026/11/23/file"' \
    'holds "$t/images/2026/11/23/file" deep'
  change create 'images/2026/a]b [c] *? \ d' "$real" \
    'echo odd >"$images/2026/a]b [c] *? \ d"' 'holds "$t/images/2026/a]b [c] *? \ d" odd'
  change rename 'images/2026/ -> images/2027/' "$real" \
    'mv "$images/2026" "$images/2027"' '[[ -e $t/images/2027/11/23/file && ! -e $t/images/2026 ]]'
  change delete images/photo.jpg "$link" \
    'rm "$contents/images/photo.jpg"' '[[ ! -e $t/images/photo.jpg ]]'
  change 'rm -r' images/2027/11/ "$real" \
    'rm -r "$images/2027/11"' '[[ ! -e $t/images/2027/11 ]]'
  change re-point 'images -> imgcms/images-2027' 'ln -sfn' \
    'ln -sfn ../../imgcms/images-2027 "$contents/images"' \
    '[[ -e $t/images/banner.svg && ! -e $t/images/icons ]]'
  change rewrite images/banner.svg "$real" \
    'echo banner >"$images-2027/banner.svg"' 'holds "$t/images/banner.svg" banner'
}

summary() {
  local -a sorted
  mapfile -t sorted < <(printf '%s\n' "${times[@]}" | sort -n)
  printf '  %s%d changes: median %d ms, slowest %d ms%s\n' "$dim" "${#sorted[@]}" \
    "${sorted[${#sorted[@]} / 2]}" "${sorted[-1]}" "$plain"
}

# shellcheck disable=SC2016
play_outage() {
  local begin
  ((outage_seconds)) || return 0
  title "tgt2 loses power for $outage_seconds s"
  cut_power tgt2
  begin=$EPOCHREALTIME
  echo 'while tgt2 is away' >"$contents/news/today.html"
  rm "$contents/about.html"
  wait_for 'the change' 'holds "$t/news/today.html" "while tgt2 is away" && [[ ! -e $t/about.html ]]' \
    "$begin" tgt1
  line change 'news/today.html, about.html' 'tgt1 only' "$elapsed_ms"
  read -rt "$outage_seconds" -u "$never" || true
  # The pauses between attempts have grown while it was away; they double.
  patience_us=$((patience_us + outage_seconds * 2000000))
  sshd_listens tgt2 || fail "the sshd of tgt2 does not start again: $(<"$lab/sshd.tgt2.log")"
  begin=$EPOCHREALTIME
  wait_for 'what it missed' \
    'holds "$t/news/today.html" "while tgt2 is away" && [[ ! -e $t/about.html ]]' "$begin" tgt2
  line 'catch up' 'after its return, by itself' 'tgt2' "$elapsed_ms"
}

# --- The end -------------------------------------------------------------------------------------

show_status() {
  local -i begin=${EPOCHREALTIME//[!0-9]/} now
  local text
  while text=$("$bin/mirrorctl" --bus "$address" status); do
    [[ $text =~ settling|waiting|syncing|retrying ]] || break
    now=${EPOCHREALTIME//[!0-9]/}
    ((now - begin < patience_us)) || break
    pause
  done
  title "mirrorctl status"
  "$bin/mirrorctl" --bus "$address" status
}

show_target() {
  title "what tgt2 holds"
  (cd "${copy[tgt2]}" && find . -mindepth 1 -printf '  %M %-8u %6s  %P\n' | sort -k4)
}

drift() { # TARGET
  rsync -n -aL --checksum --delete -i "$contents/" "${copy[$1]}/" 2>&1
}

verdict() {
  local target lines
  local -i begin=${EPOCHREALTIME//[!0-9]/} now
  title "rsync -n -aL --checksum --delete -i SOURCE TARGET"
  for target in tgt1 tgt2; do
    while lines=$(drift "$target") && [[ $lines ]]; do
      now=${EPOCHREALTIME//[!0-9]/}
      ((now - begin < patience_us)) || fail "$target differs:"$'\n'"$lines"
    done
    [[ ! $lines ]] || fail "$target: $lines"
    printf '  %s%s equals the source%s\n' "$green" "$target" "$plain"
  done
}

leave_running() {
  cat >"$lab/end" <<END
#!/bin/sh
kill ${pids[mirrord]} && tail --pid=${pids[mirrord]} -f /dev/null
kill ${pids[sshd.tgt1]} ${pids[sshd.tgt2]} ${pids[bus]}
${made_run_sshd:+rmdir /run/sshd}
rm -rf '$lab'
END
  chmod +x "$lab/end"
  title "it goes on running"
  cat <<KEEP
  change  echo hello >'$contents/images/hello'
  look    ls -l '${copy[tgt1]}/images/'
  watch   '$bin/mirrorctl' --bus '$address' status
          busctl --address='$address' tree org.mirrord1
          tail -f '$lab/mirrord.log'
  end     '$lab/end'
KEEP
  trap - EXIT
}

main() {
  parse_arguments "$@"
  install_build_deps
  build release 'mirrord mirrorctl' -DCMAKE_BUILD_TYPE=Release -DMIRRORD_TESTS=OFF
  bin=$root/build/release/src

  lab=$(mktemp -d /tmp/mirrord-demo.XXXXXX)
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  exec {never}<> <(:)

  make_source
  make_keys
  provide_run_sshd
  start_sshd tgt1
  start_sshd tgt2
  start_bus
  write_config
  title "$lab/etc/web.toml"
  sed "s/^./  &/" "$lab/etc/web.toml"

  title "change                                           made in, by        on both after"
  local begin=$EPOCHREALTIME
  start_mirrord
  # shellcheck disable=SC2016
  wait_for 'the first sync' '[[ -e $t/images/icons/home.svg && -e $t/cgi-bins/counter.cgi ]]' \
    "$begin" tgt1 tgt2
  line start 'until the first sync is there' mirrord "$elapsed_ms"
  make_changes
  summary
  play_outage

  show_status
  show_target
  verdict
  if [[ $keep == yes ]]; then leave_running; fi
}

main "$@"
