#!/bin/bash
# The packages for CentOS 7, built on Debian 12 from a clean checkout:
#
#   build/el7/mirrord-VERSION-1.el7.x86_64.rpm and mirrord-debuginfo-VERSION-1.el7.x86_64.rpm
#
# Installs what it needs from Debian (as root, where something is missing) and from npm, keeps the
# slow parts in ${XDG_CACHE_HOME:-~/.cache}/mirrord, and touches nothing else outside build/el7/.
# Same source and same versions of what it is made from: same bytes, wherever and whenever it is built.
# Their date is that of packaging/deb/debian/changelog, unless SOURCE_DATE_EPOCH= says another.
#
#   build.sh            the packages
#   build.sh --tests    the unit tests for CTest in build/el7/tree/, where they run as on CentOS 7
set -euo pipefail
umask 022
export LC_ALL=C.UTF-8 TZ=UTC

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"
# shellcheck source=packaging/el7/toolchain.sh
source "$root/packaging/el7/toolchain.sh"

out=$root/build/el7
version=$(sed -nE 's/^project\(mirrord VERSION ([0-9.]+).*/\1/p' "$root/CMakeLists.txt")

changelog_date() {
  dpkg-parsechangelog -l "$root/packaging/deb/debian/changelog" -S Timestamp
}

compile() { # TARGET...
  local begin=$EPOCHREALTIME
  quietly "$logs/configure.log" cmake --fresh -S "$root" -B "$out/tree" -G Ninja \
    -DCMAKE_TOOLCHAIN_FILE="$el7/toolchain.cmake" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_INSTALL_PREFIX=/usr
  quietly "$logs/build.log" cmake --build "$out/tree" --target "$@"
  say "built $* in $(seconds_since "$begin")"
}

# A digest of the stripped program; those of the linker and of debugedit know the name of the cache.
# The note is that of elf(5), NT_GNU_BUILD_ID.
set_build_id() { # PROGRAM; prints it
  local stripped=$out/tree/stripped note=$out/tree/build-id digest
  objcopy --strip-all "$1" "$stripped"
  read -r digest _ < <(sha1sum "$stripped")
  # shellcheck disable=SC2001
  printf '%b' '\x04\x00\x00\x00\x14\x00\x00\x00\x03\x00\x00\x00GNU\x00' \
    "$(sed 's/../\\x&/g' <<<"$digest")" >"$note"
  objcopy --update-section .note.gnu.build-id="$note" "$1"
  printf '%s\n' "$digest"
}

# zig leaves the name of the cache where no flag gets, in its compiler_rt. Debuggers find what is split
# off by the build-id alone; a debug link would put a checksum of it into the program.
split_debuginfo() { # PROGRAM
  local id debug
  # shellcheck disable=SC2154 # of toolchain.sh
  debugedit --base-dir="$cache" --dest-dir=/usr/src/debug/cache "$1"
  id=$(set_build_id "$1")
  debug=$out/root/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug
  mkdir -p "${debug%/*}"
  objcopy --only-keep-debug "$1" "$debug"
  objcopy --strip-all "$1"
}

# What the package holds, as it is on the machine where it is installed.
stage() {
  rm -rf "$out/root"
  DESTDIR=$out/root quietly "$logs/install.log" cmake --install "$out/tree"
  install -D -m 644 "$el7/50-mirrord.conf" "$out/root/usr/lib/sysctl.d/50-mirrord.conf"
  mkdir -p "$out/root/usr/share/licenses/mirrord"
  cp -r "$EL7_SYSROOT/share/licenses/." "$out/root/usr/share/licenses/mirrord/"
  gzip -9n "$out"/root/usr/share/man/man?/*
  split_debuginfo "$out/root/usr/sbin/mirrord"
  split_debuginfo "$out/root/usr/bin/mirrorctl"
  find "$out/root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

package() {
  local begin=$EPOCHREALTIME
  quietly "$logs/rpm.log" "$el7/pack.sh" "$out/root" "$version" "$out" \
    --define "libsystemd_version ${systemd_version%%-*}"
  say "packaged in $(seconds_since "$begin"):"
  ls "$out"/*.rpm
}

lists=("$el7/build-deps")
command -v npm >/dev/null || lists+=("$el7/build-deps-npm")  # not everybody has Debian's
install_build_deps "${lists[@]}"
provide_toolchain
case ${1-} in
  '')
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(changelog_date)}
    export SOURCE_DATE_EPOCH
    rm -f "$out"/*.rpm
    compile mirrord mirrorctl
    stage
    package
    ;;
  --tests) compile mirrord_{core,io,daemon,ctl}_tests ;;
  *) die "usage: packaging/el7/build.sh [--tests]" ;;
esac
