#!/bin/bash
# The package for Debian 12, from a clean checkout: build/deb/mirrord_VERSION_ARCHITECTURE.deb.
# Installs what it needs from Debian (as root, where something is missing), touches nothing outside
# build/deb/, and fails when lintian finds an error.
set -euo pipefail
umask 022
export LC_ALL=C.UTF-8

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"

out=$root/build/deb
version=$(sed -nE 's/^project\(mirrord VERSION ([0-9.]+).*/\1/p' "$root/CMakeLists.txt")

# debhelper wants debian/ at the top, and what it leaves behind stays out of the checkout.
make_source() { # DIRECTORY
  copy_source "$1"
  cp -r "$root/packaging/deb/debian" "$1/debian"
  [[ $(dpkg-parsechangelog -l "$1/debian/changelog" -S Version) == "$version" ]] ||
    die "packaging/deb/debian/changelog is not about version $version"
  # What is installed as it is has the times of the source; dpkg-deb makes only newer ones older.
  find "$1" -exec touch -h -d "@$(dpkg-parsechangelog -l "$1/debian/changelog" -S Timestamp)" {} +
}

build_package() { # SOURCE
  cd "$1"
  dpkg-buildpackage --build=binary --no-sign --jobs=2
}

install_build_deps "$root/packaging/deb/build-deps"
begin=$EPOCHREALTIME
rm -rf "$out"
make_source "$out/mirrord-$version"
# With a base_dir ccache would write paths of its own making into the debug information.
if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=; fi
quietly "$out/build.log" build_package "$out/mirrord-$version"
quietly "$out/lintian.log" lintian --allow-root --fail-on error "$out"/*.changes
say "built and checked in $(seconds_since "$begin"):"
ls "$out"/*.deb
