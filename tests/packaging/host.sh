# A chroot of our own, in which packages are installed and erased, and questions about it. Sourced.
# shellcheck shell=bash

unit=mirrord.service
wants=etc/systemd/system/multi-user.target.wants/$unit
timer=mirrord-resync@web.timer
timer_wants=etc/systemd/system/timers.target.wants/$timer

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
host=$work/host

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  [[ -e $host/calls ]] && sed 's/^/  called: /' "$host/calls" >&2
  exit 1
}

# What the kernel has set by itself: files serve as well.
set_limits() { # WATCHES QUEUED-EVENTS
  mkdir -p "$host/proc/sys/fs/inotify"
  echo "$1" >"$host/proc/sys/fs/inotify/max_user_watches"
  echo "$2" >"$host/proc/sys/fs/inotify/max_queued_events"
}

# A program that only notes how it was called.
record() { # PROGRAM LAST-LINE
  mkdir -p "$host${1%/*}"
  printf '#!/bin/sh\necho "%s $*" >>/calls\n%s\n' "${1##*/}" "${2-}" >"$host$1"
  chmod 755 "$host$1"
}

# systemctl that works on files, and notes what it would ask of a manager.
record_systemctl() { # REAL-PROGRAM
  record /usr/bin/systemctl \
    'case " $* " in *" stop "*|*" try-restart "*|*" daemon-reload "*) exit 0;; esac
SYSTEMD_OFFLINE=1 exec '"$1"' "$@"'
}

called() { grep -qxF -- "$1" "$host/calls" || fail "not called: $1"; }
not_called() { ! grep -qE -- "$1" "$host/calls" || fail "called: $1"; }
exists() { [[ -e $host/$1 || -L $host/$1 ]] || fail "missing: /$1"; }
absent() { [[ ! -e $host/$1 && ! -L $host/$1 ]] || fail "left: /$1"; }
holds() { grep -qxF -- "$2" "$host/$1" || fail "/$1 does not hold '$2'"; }

limits_are() { # WATCHES QUEUED-EVENTS
  holds proc/sys/fs/inotify/max_user_watches "$1"
  holds proc/sys/fs/inotify/max_queued_events "$2"
}

# All but what package managers note and what stands for the kernel.
files() {
  (cd "$host" && find . \( -path ./var/lib/rpm -o -path ./var/lib/dpkg -o -path ./var/log -o -path ./proc \) \
    -prune -o ! -type d -print | sort)
}

tell() { # STORY...
  local story
  for story; do
    "$story"
    echo "ok: $story"
  done
}
