#!/bin/bash
# Installs, upgrades and erases the package for CentOS 7 in a chroot of our own, and looks at what
# its scriptlets call, at the enabled state, and at what becomes of edited configuration.
# scriptlets.sh STAGED-ROOT RPM; needs root.
#
# The chroot has this host's sh, cat, systemctl and systemd-sysctl (which work on files there), a
# recorder in place of journalctl, and one package that provides what CentOS 7 does.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/packaging/host.sh
source "$here/host.sh"
pack=$here/../../packaging/el7/pack.sh
staged=$1 package=$2

in_host() { rpm --force-debian --root "$host" "$@"; }

enable() { SYSTEMD_OFFLINE=1 chroot "$host" /usr/libexec/systemctl enable "$1" 2>/dev/null; } # UNIT

# --- The host ------------------------------------------------------------------------------------

copy_program() { # PROGRAM PLACE
  local library
  install -D "$1" "$host$2"
  for library in $(ldd "$1" | grep -oE '/[^ ]+'); do
    [[ -e $host$library ]] || install -D "$library" "$host$library"
  done
}

imitation() { # prints a spec
  cat <<'SPEC'
Name: centos7
Version: 7.9
Release: 1
Summary: What CentOS 7 provides
License: none
BuildArch: noarch
AutoReqProv: no
SPEC
  grep -vE '^(#|rpmlib)' "$here/centos7/provides" | sed 's/^/Provides: /'
  printf '%%description\nNothing.\n%%files\n'
}

make_host() { # DEFAULT-PRESET
  rm -rf "$host"
  mkdir -p "$host"/{etc/systemd/system,usr/lib/systemd/{system,system-preset},var/lib/rpm,tmp}
  copy_program /bin/sh /bin/sh
  copy_program /bin/cat /bin/cat
  mkdir "$host/dev"
  : >"$host/dev/null"  # a file serves as well, and no right to make devices is needed
  copy_program "$(command -v systemctl)" /usr/libexec/systemctl
  record_systemctl /usr/libexec/systemctl
  record /usr/bin/journalctl
  copy_program /lib/systemd/systemd-sysctl /usr/lib/systemd/systemd-sysctl
  set_limits 8192 16384
  echo "$1 *" >"$host/usr/lib/systemd/system-preset/99-default.preset"
  in_host -i "$work/centos7-7.9-1.noarch.rpm"
  : >"$host/calls"
}

# The next version, whose own configuration file is another one.
make_next_version() {
  cp -a "$staged" "$work/next"
  echo '# a new default' >>"$work/next/etc/mirrord/mirrord.toml"
  find "$work/next/usr/lib/debug" -type f -delete
  "$pack" "$work/next" 99.0 "$work" --define '_binary_payload w1.gzdio' \
    --define 'libsystemd_version 252' >"$work/log" 2>&1 || { tail "$work/log"; fail 'no next version'; }
  next=$(echo "$work"/mirrord-99.0-*.rpm)
}

make_imitation() {
  imitation >"$work/centos7.spec"
  rpmbuild -bb --target noarch --dbpath "$work/db" --define "_topdir $work/build" \
    --define "_rpmdir $work" --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
    "$work/centos7.spec" >"$work/log" 2>&1 || { tail "$work/log"; fail 'no imitation of CentOS 7'; }
}

# --- Stories -------------------------------------------------------------------------------------

installed_by_preset() { # PRESET
  make_host "$1"
  in_host -i "$package"
  called "systemctl preset $unit"
  called 'journalctl --update-catalog'
  not_called ' (start|restart|enable) '
  in_host -V mirrord || fail 'the installed files are not those of the package'
}

install_respects_presets() {
  installed_by_preset enable
  exists "$wants"
  installed_by_preset disable
  absent "$wants"
}

an_erased_package_leaves_nothing() {
  local before
  make_host disable
  before=$(files)
  in_host -i "$package"
  enable "$timer"
  in_host -e mirrord
  called "systemctl --no-reload disable $unit"
  called "systemctl stop $unit"
  called 'systemctl stop mirrord-resync@*.timer'
  diff <(echo "$before") <(files) || fail 'erasing does not undo installing'
  absent etc/mirrord
  absent var/lib/mirrord
  absent usr/share/doc/mirrord
  absent usr/share/licenses/mirrord
}

an_upgrade_keeps_what_the_administrator_did() {
  make_host disable
  in_host -i "$package"
  enable "$unit"
  enable "$timer"
  echo '# edited' >>"$host/etc/mirrord/mirrord.toml"
  echo '# mine' >"$host/etc/mirrord/web.toml"
  : >"$host/calls"

  in_host -U "$next" 2>/dev/null
  called 'systemctl daemon-reload'
  called "systemctl try-restart $unit"
  not_called ' (preset|stop|disable) '
  exists "$wants"
  exists "$timer_wants"
  holds etc/mirrord/mirrord.toml '# edited'
  holds etc/mirrord/mirrord.toml.rpmnew '# a new default'
  holds etc/mirrord/web.toml '# mine'

  in_host -e mirrord 2>/dev/null
  called "systemctl stop $unit"
  absent "$wants"
  absent etc/mirrord/mirrord.toml
  holds etc/mirrord/mirrord.toml.rpmsave '# edited'
  holds etc/mirrord/web.toml '# mine'
}

limits_are_raised_and_never_lowered() {
  make_host disable
  in_host -i "$package"
  limits_are 524288 262144

  set_limits 1048576 16384
  in_host -U "$next"
  limits_are 1048576 262144

  # Neither is what the administrator has set for each boot.
  make_host disable
  mkdir -p "$host/etc/sysctl.d"
  echo 'fs.inotify.max_queued_events = 100000' >"$host/etc/sysctl.d/90-ours.conf"
  set_limits 8192 100000
  in_host -i "$package"
  limits_are 524288 100000
}

the_other_mirrord_is_in_conflict() {
  make_host disable
  cat >"$work/other.spec" <<'SPEC'
Name: mirrord-for-kubernetes
Version: 1
Release: 1
Summary: Another program of the same name
License: none
BuildArch: noarch
%description
Nothing.
%install
mkdir -p %{buildroot}/usr/bin
echo other >%{buildroot}/usr/bin/mirrord
%files
/usr/bin/mirrord
SPEC
  rpmbuild -bb --target noarch --dbpath "$work/db" --define "_topdir $work/build" \
    --define "_rpmdir $work" --define '_build_name_fmt %%{NAME}.rpm' "$work/other.spec" >"$work/log" 2>&1
  in_host -i "$work/mirrord-for-kubernetes.rpm"
  ! in_host -i "$package" 2>"$work/log" || fail 'both programs of the name are installed'
  grep -q conflicts "$work/log" || { cat "$work/log"; fail 'refused, but not for the conflict'; }
}

make_imitation
make_next_version
tell install_respects_presets an_erased_package_leaves_nothing \
  an_upgrade_keeps_what_the_administrator_did limits_are_raised_and_never_lowered \
  the_other_mirrord_is_in_conflict
