#!/bin/bash
# Installs, upgrades, removes and purges the package for Debian in a chroot, a copy of the root that
# the machines of tests/lab are made from, with Debian's own dpkg and systemctl. What would be asked of
# a running systemd is noted.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/packaging/host.sh
source "$root/tests/packaging/host.sh"
# shellcheck source=tests/lab/machines.sh
source "$root/tests/lab/machines.sh"
package=$(echo "$root"/build/deb/mirrord_*.deb)

reason=$(obstacle)
[[ ! $reason ]] || { echo "skipped: $reason"; exit 77; }

in_host() { chroot "$host" env DEBIAN_FRONTEND=noninteractive "$@" >>"$work/log" 2>&1; }

install_version() { # PACKAGE
  cp "$1" "$host/tmp/mirrord.deb"
  in_host dpkg --force-unsafe-io --force-confdef --force-confold -i /tmp/mirrord.deb || fail "dpkg -i $1: $(tail "$work/log")"
  rm "$host/tmp/mirrord.deb"
}

make_host() {
  rm -rf "$host"
  cp -a "$base" "$host"
  mkdir -p "$host/run/systemd/system"
  mv "$host/bin/systemctl" "$host/usr/libexec/systemctl"
  record_systemctl /usr/libexec/systemctl
  record /usr/bin/deb-systemd-invoke
  : >"$host/calls"
  set_limits 8192 16384
}

# The next version, whose own configuration file is another one.
make_next_version() {
  next=$work/next.deb
  dpkg-deb -R "$package" "$work/next"
  sed -i 's/^Version: .*/Version: 99.0/' "$work/next/DEBIAN/control"
  echo '# a new default' >>"$work/next/etc/mirrord/mirrord.toml"
  dpkg-deb -Znone --root-owner-group -b "$work/next" "$next" >/dev/null
}

# --- Stories -------------------------------------------------------------------------------------

an_install_starts_nothing() {
  make_host
  install_version "$package"
  absent "$wants"
  not_called ' (start|restart|enable) '
  limits_are 8192 262144
  [[ -z $(chroot "$host" dpkg --verify mirrord) ]] || fail 'the installed files are not those of the package'
}

a_purge_leaves_nothing() {
  local before
  make_host
  before=$(files)
  install_version "$package"
  in_host systemctl enable "$unit" "$timer"
  in_host dpkg --purge mirrord
  diff <(echo "$before") <(files) || fail 'purging does not undo installing'
  absent etc/mirrord
  absent var/lib/mirrord
}

an_upgrade_keeps_what_the_administrator_did() {
  make_host
  install_version "$package"
  in_host systemctl enable "$unit" "$timer"
  echo '# edited' >>"$host/etc/mirrord/mirrord.toml"
  echo '# mine' >"$host/etc/mirrord/web.toml"
  set_limits 8192 1048576
  : >"$host/calls"

  install_version "$next"
  called "deb-systemd-invoke try-restart $unit"
  not_called ' (start|stop|disable) '
  exists "$wants"
  exists "$timer_wants"
  holds etc/mirrord/mirrord.toml '# edited'
  holds etc/mirrord/mirrord.toml.dpkg-dist '# a new default'
  limits_are 8192 1048576

  in_host dpkg --remove mirrord
  called "deb-systemd-invoke stop $unit"
  called 'systemctl stop mirrord-resync@*.timer'
  absent usr/sbin/mirrord
  absent "lib/systemd/system/$unit"
  holds etc/mirrord/mirrord.toml '# edited'

  in_host dpkg --purge mirrord
  absent "$wants"
  absent "$timer_wants"
  absent etc/mirrord/mirrord.toml
  absent etc/mirrord/mirrord.toml.dpkg-dist
  holds etc/mirrord/web.toml '# mine'
}

a_limit_of_the_administrator_stays() {
  make_host
  mkdir -p "$host/etc/sysctl.d"
  echo 'fs.inotify.max_queued_events = 100000' >"$host/etc/sysctl.d/90-ours.conf"
  set_limits 8192 100000
  install_version "$package"
  limits_are 8192 100000
}

base=$(base_root)
make_next_version
tell an_install_starts_nothing a_purge_leaves_nothing an_upgrade_keeps_what_the_administrator_did \
  a_limit_of_the_administrator_stays
