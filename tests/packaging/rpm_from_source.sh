#!/bin/bash
# The spec from source, as Fedora and RHEL read it: unpacked from a tarball, configured with this
# system's libraries, installed; every installed file must be in its list, and every listed one be
# installed. The macros are Fedora's, as far as they matter; its libraries are not at hand.
#
#   rpm_from_source.sh             with the programs that packaging/deb/build.sh has compiled
#   rpm_from_source.sh --compile   with its own, some minutes
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"
version=$(sed -nE 's/^project\(mirrord VERSION ([0-9.]+).*/\1/p' "$root/CMakeLists.txt")
flags='-O2 -Wall -Werror=format-security -Wp,-U_FORTIFY_SOURCE -Wp,-D_FORTIFY_SOURCE=2 -Wp,-D_GLIBCXX_ASSERTIONS -fstack-protector-strong'
compile='cmake --build fedora'
if [[ ${1-} != --compile ]]; then
  programs=$(echo "$root"/build/deb/mirrord-*/obj-*/src)
  compile="cp $programs/mirrord $programs/mirrorctl fedora/src/"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make_tarball() {
  copy_source "$work/mirrord-$version"
  mkdir "$work/SOURCES"
  tar -C "$work" -czf "$work/SOURCES/mirrord-$version.tar.gz" "mirrord-$version"
}

build_package() { # DIRECTORY-OF-DAEMONS
  rpmbuild -bb --nodeps --dbpath "$work/db" "$root/packaging/rpm/mirrord.spec" \
    --define "_topdir $work" --define "_rpmdir $work" --define "_sbindir $1" \
    --define 'debug_package %{nil}' --define '__os_install_post %{nil}' \
    --define '_unitdir /lib/systemd/system' --define '_journalcatalogdir /usr/lib/systemd/catalog' \
    --define '_sysctldir /usr/lib/sysctl.d' --define '_docdir /usr/share/doc' \
    --define 'systemd_post :' --define 'systemd_preun :' --define 'systemd_postun_with_restart :' \
    --define "cmake CXXFLAGS='$flags' cmake -S . -B fedora -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_SHARED_LIBS=ON" \
    --define "cmake_build $compile" --define 'cmake_install DESTDIR=%{buildroot} cmake --install fedora' \
    --define '_binary_payload w1.gzdio' --define '_build_name_fmt %%{NAME}-%%{VERSION}.rpm'
}

make_tarball
# RHEL 9 and 10; Fedora since 42, which has merged the two.
for daemons in /usr/sbin /usr/bin; do
  quietly "$work/log" build_package "$daemons"
  package=$work/mirrord-$version.rpm
  [[ -f $package ]] || die "the spec is not about version $version"
  files=$(rpm -qlp "$package")
  grep -qx "$daemons/mirrord" <<<"$files" || die "$daemons/mirrord is not in the package"
  rpm2archive - <"$package" | tar -xzO ./lib/systemd/system/mirrord.service |
    grep -qx "ExecStart=$daemons/mirrord" || die "the unit does not start $daemons/mirrord"
  rm "$package"
done
printf '%s\n' "$files"
