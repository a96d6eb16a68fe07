#!/bin/bash
# All benchmarks, from the repository alone: installs what is missing, builds build/release and the
# helpers, measures each row and prints one table. README.md here says how to read it.
#   tests/bench/run.sh [--quick] [ROW...]; --help lists rows and options
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"

measures() {
  local option
  for option; do
    case $option in --check | --help | -h) return 1 ;; esac
  done
}

build_helpers() {
  local bin=$root/build/bench/bin helper
  mkdir -p "$bin"
  for helper in walk_floor read_floor make_tree make_events; do
    g++ -std=c++20 -O2 -Wall -Wextra "$here/$helper.cpp" -o "$bin/$helper"
  done
}

if measures "$@"; then
  ((EUID == 0)) || die "needs root: it runs sshds, and logs in as root"
  install_build_deps "$here/build-deps"
  build release "mirrord mirrorctl" -DCMAKE_BUILD_TYPE=Release -DMIRRORD_TESTS=OFF
  build_helpers
fi >&2
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/main.py" "$@"
