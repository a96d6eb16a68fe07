#!/bin/bash
# All tests from nothing: installs what is missing, builds with warnings as errors and with
# AddressSanitizer and UndefinedBehaviorSanitizer, runs everything through CTest.
# Arguments go to ctest: tests/run.sh -R '^Story', or -LE 'packaging|lab' for all but the packages
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"

install_build_deps "$root/tests/build-deps"
((EUID != 0)) || install_build_deps "$root/tests/lab/build-deps"  # nobody else can boot a machine
build test all -DCMAKE_BUILD_TYPE=Debug -DMIRRORD_WERROR=ON -DMIRRORD_SANITIZE=ON
exec ctest --test-dir "$root/build/test" --output-on-failure -j2 "$@"
