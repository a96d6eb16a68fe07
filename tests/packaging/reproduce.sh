#!/bin/bash
# Same source, same bytes: builds a package that is in build/ once more, from a copy of the source at
# another path, with other times and rights of its files, in another language and time zone, and
# compares. reproduce.sh el7|deb; takes as long as the build, so it is not one of CTest's.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"
kind=$1

work=$(mktemp -d /tmp/mirrord-reproduce.XXXXXX)
trap 'rm -rf "$work"' EXIT
copy=$work/somewhere/else/mirrord

(umask 077 && copy_source "$copy")
find "$copy" -exec touch -h -d '2001-02-03 04:05:06' {} +
CCACHE_DISABLE=1 LANG=C LC_ALL=C TZ=Asia/Tokyo "$copy/packaging/$kind/build.sh"

compared=0
for package in "$root/build/$kind"/*.{rpm,deb}; do
  [[ -f $package ]] || continue
  cmp "$package" "$copy/build/$kind/${package##*/}" || {
    trap - EXIT
    die "not the same bytes as in $copy/build/$kind"
  }
  compared=$((compared + 1))
done
((compared)) || die "nothing to compare with: packaging/$kind/build.sh makes it"
say "$compared packages are the same"
