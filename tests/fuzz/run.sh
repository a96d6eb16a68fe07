#!/bin/bash
# tests/fuzz/run.sh build            builds the fuzzers, in build/fuzz
# tests/fuzz/run.sh NAME [SECONDS]   fuzzes for so long, 60 s by default
# tests/fuzz/run.sh NAME FILE        plays one input again
# What is found beside failures (inputs that reach new code) is kept in build/fuzz/found/NAME.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=packaging/lib.sh
source "$root/packaging/lib.sh"

name=${1:?NAME or build} what=${2:-60}
here=$root/tests/fuzz out=$root/build/fuzz

if [[ $name == build ]]; then
  build fuzz fuzzers -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DMIRRORD_FUZZ=ON -DMIRRORD_SANITIZE=ON -DMIRRORD_TESTS=OFF
  exit
fi

[[ -f $what ]] && exec "$out/tests/fuzz/fuzz_$name" "$what"

corpora=("$here/corpus/$name")
case $name in
  config) corpora+=("$root/etc" "$root/tests/ctl/lsyncd") ;;
  lsyncd) corpora=("$root/tests/ctl/lsyncd") ;;
esac
mkdir -p "$out/found/$name"
cd "$out"
# Nothing that is read here is larger than this; 5 s is what the importer gives a program itself.
exec "$out/tests/fuzz/fuzz_$name" -max_total_time="$what" -max_len=4096 -timeout=10 \
  -rss_limit_mb=1024 -artifact_prefix="$out/failed-$name-" -print_final_stats=1 -verbosity=0 \
  "$out/found/$name" "${corpora[@]}"
