# The machines of the lab: how they are made, booted, entered, unplugged and ended. Sourced with $root
# set to the repository.
#
# A machine is a copy of one Debian root, booted by systemd-nspawn in a network namespace and a cgroup
# of its own. The cgroup names all that is to be ended; nothing else is. A switch between the machines
# is one more namespace. Of the host nothing is changed, and several checkouts do not meet.
# shellcheck shell=bash
: "${root:?}"

# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"

here=$root/tests/lab
lab=$root/build/lab
id=mirrord-lab-$(cksum <<<"$lab" | cut -d' ' -f1)
machines=(org tgt1 tgt2)
declare -A address=([org]=10.99.0.1 [tgt1]=10.99.0.2 [tgt2]=10.99.0.3)

# --- Waiting -------------------------------------------------------------------------------------

now_ms() { echo $((${EPOCHREALTIME//[!0-9]/} / 1000)); }

# Asks again and again, until the command is true or the time is over.
within() { # SECONDS COMMAND...
  local -i end=$(($(now_ms) + $1 * 1000))
  shift
  until "$@"; do
    (($(now_ms) < end)) || return 1
    read -rt 0.05 <> <(:) || true
  done
}

# --- What is missing -----------------------------------------------------------------------------

# Prints why there can be no lab here; nothing when there can.
obstacle() {
  local program
  ((EUID == 0)) || { echo 'only root can boot machines'; return; }
  for program in systemd-nspawn debootstrap ip nsenter; do
    command -v "$program" >/dev/null || { echo "$program is not installed"; return; }
  done
  [[ $(hierarchies) ]] || { echo 'no cgroup hierarchy of systemd is mounted'; return; }
  unshare --net --mount true 2>/dev/null || echo 'namespaces cannot be made here'
}

# --- Roots ---------------------------------------------------------------------------------------

# As apt of this host has it.
debian_mirror() {
  # shellcheck disable=SC2016 # apt-get expands it
  apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Release: $1" 'Component: main' |
    head -n 1
}

# Prints the root that all machines are copies of; made when the list of packages is a new one.
base_root() {
  local codename key cache fresh
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  key=$( (echo "$codename"; cat "$here/packages") | sha256sum | cut -c1-16)
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/mirrord
  if [[ ! -d $cache/lab-$key ]]; then
    say "making a Debian root in $cache, which takes a minute once" >&2
    mkdir -p "$cache"
    fresh=$(mktemp -d "$cache/lab-new.XXXXXX")
    quietly "$root/build/lab.debootstrap.log" debootstrap --variant=minbase \
      --include="$(paste -sd, "$here/packages")" "$codename" "$fresh" "$(debian_mirror "$codename")"
    rm -rf "$fresh"/{var/cache/apt,var/lib/apt/lists,usr/share/{doc,locale}}/*
    rm -f "$fresh"/etc/ssh/ssh_host_*
    chmod 755 "$fresh"
    mv -T "$fresh" "$cache/lab-$key" || rm -rf "$fresh"  # another lab was faster
  fi
  echo "$cache/lab-$key"
}

make_root() { # MACHINE BASE
  local other
  cp -a "$2" "$lab/$1"
  echo "$1.host.local" >"$lab/$1/etc/hostname"
  echo '127.0.0.1 localhost' >"$lab/$1/etc/hosts"
  for other in "${machines[@]}"; do
    echo "${address[$other]} $other.host.local $other" >>"$lab/$1/etc/hosts"
  done
  quietly "$lab/$1.log" chroot "$lab/$1" ssh-keygen -A
}

# --- The network ---------------------------------------------------------------------------------

make_network() {
  local machine
  ip netns add "$id"
  ip -n "$id" link add switch type bridge
  ip -n "$id" link set switch up
  for machine in "${machines[@]}"; do
    ip netns add "$id-$machine"
    ip -n "$id" link add "$machine" type veth peer name host0 netns "$id-$machine"
    ip -n "$id" link set "$machine" master switch up
    ip -n "$id-$machine" address add "${address[$machine]}/24" dev host0
    ip -n "$id-$machine" link set host0 up
    ip -n "$id-$machine" link set lo up
  done
}

unplug() { ip -n "$id" link set "$1" down; } # MACHINE
plug_in() { ip -n "$id" link set "$1" up; }  # MACHINE

# --- Power ---------------------------------------------------------------------------------------

# Where systemd keeps its cgroups: one hierarchy, or two on a hybrid host.
hierarchies() { awk '$3 == "cgroup2" || $4 ~ /name=systemd/ { print $2 }' /proc/mounts; }

enter_cgroup() { # MACHINE
  local hierarchy
  for hierarchy in $(hierarchies); do
    mkdir -p "$hierarchy/$id-$1"
    echo "$BASHPID" >"$hierarchy/$id-$1/cgroup.procs"
  done
}

# Exit status 133 is a reboot from inside, which it leaves to its caller.
run_machine() { # MACHINE
  local status=133
  enter_cgroup "$1"
  while ((status == 133)); do
    status=0
    systemd-nspawn --quiet --register=no --keep-unit --machine="$id-$1" --hostname="$1.host.local" \
      --directory="$lab/$1" --boot --network-namespace-path="/run/netns/$id-$1" \
      --resolv-conf=off --timezone=off --link-journal=no --console=read-only || status=$?
  done
}

boot() { # MACHINE
  run_machine "$1" >>"$lab/$1.log" 2>&1 </dev/null &
  disown  # or the shell tells of its end
}

is_up() { [[ $(on "$1" systemctl is-system-running 2>/dev/null) == running ]]; } # MACHINE

# Its process 1, as the host counts.
leader() { # MACHINE
  local hierarchy pid
  for hierarchy in $(hierarchies); do
    # Beside it stands, for a moment, what it has just forked.
    pid=$(sort -n "$hierarchy/$id-$1/payload/init.scope/cgroup.procs" 2>/dev/null | sed 1q)
    [[ ! $pid ]] || { printf '%s\n' "$pid" && return 0; }
  done
  return 1
}

processes() { # CGROUP
  find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null
}

cut_power() { # MACHINE
  local hierarchy
  for hierarchy in $(hierarchies); do
    [[ -d $hierarchy/$id-$1 ]] || continue
    within 30 all_ended "$hierarchy/$id-$1"
    find "$hierarchy/$id-$1" -depth -type d -exec rmdir {} +
  done
}

all_ended() { # CGROUP
  local pids
  pids=$(processes "$1")
  # shellcheck disable=SC2086 # numbers
  [[ ! $pids ]] || { kill -KILL $pids 2>/dev/null; false; }
}

# Runs a command there as root, with nothing of our environment but the terminal.
on() { # MACHINE COMMAND...
  local pid
  pid=$(leader "$1") || return 1
  shift
  nsenter --target "$pid" --mount --uts --ipc --net --pid --cgroup -- \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    LANG=C.UTF-8 TERM="${TERM-dumb}" "$@"
}

# --- All of it -----------------------------------------------------------------------------------

end_lab() {
  local name
  for name in "${machines[@]}"; do cut_power "$name"; done
  for name in "$id" "${machines[@]/#/"$id-"}"; do
    if [[ -e /run/netns/$name ]]; then ip netns delete "$name"; fi
    rmdir "/run/systemd/nspawn/"{propagate,unix-export}"/$name" 2>/dev/null || true
  done
  rm -rf --one-file-system "$lab"
}

make_lab() {
  local base machine
  base=$(base_root)
  mkdir -p "$lab"
  make_network
  for machine in "${machines[@]}"; do make_root "$machine" "$base"; done
  for machine in "${machines[@]}"; do boot "$machine"; done
  for machine in "${machines[@]}"; do
    within 60 is_up "$machine" || die "$machine does not boot: $(tail -n 20 "$lab/$machine.log")"
  done
}
