#!/bin/bash
# The spec from source, as Fedora and RHEL read it: every installed file must be in its list, and every
# listed one be installed. What is installed here is what packaging/deb/build.sh has compiled, for
# want of a Fedora; so neither its macros nor its libraries are tried.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tree=$(echo "$root"/build/deb/mirrord-*/obj-*)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rpmbuild -bb --nodeps --dbpath "$work/db" "$root/packaging/rpm/mirrord.spec" \
  --define "_topdir $work" --define "_rpmdir $work" --define 'dist .fc' --define 'fedora 42' \
  --define 'debug_package %{nil}' --define '__os_install_post %{nil}' \
  --define '_unitdir /lib/systemd/system' --define '_docdir /usr/share/doc' \
  --define 'autosetup :' --define 'cmake :' --define 'cmake_build :' \
  --define "cmake_install DESTDIR=%{buildroot} cmake --install $tree" >"$work/log" 2>&1 ||
  { tail -n 40 "$work/log"; exit 1; }
rpm -qlp "$work"/*/mirrord-*.rpm
