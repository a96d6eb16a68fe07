#!/usr/bin/env bash
# Fails when an include points to a higher layer, when core reaches for the system, or when the map
# of the code leaves a module out.
set -euo pipefail
cd "$1"
bad=$(
  grep -rnE '#include ["<](io/|daemon/|ctl/|systemd/|spdlog|unistd\.h|dirent\.h|fcntl\.h|sys/)' core || true
  grep -rnE '(steady|system|high_resolution)_clock::now\(|\bsleep' core || true
  grep -rnE '#include "(daemon|ctl)/' io || true
  grep -rnE '#include "ctl/' daemon || true
  grep -rnE '#include "daemon/' ctl || true
)
unnamed=$(
  for module in $(find . -name '*.?pp' -printf '%f\n' | sed 's/\..*//' | sort -u); do
    [ "$module" = main ] || grep -q "\`$module\`" README.md || echo "$module"
  done
)
[ -z "$unnamed" ] || { printf 'README.md does not name:\n%s\n' "$unnamed"; exit 1; }
[ -z "$bad" ] || { printf 'Against the layers:\n%s\n' "$bad"; exit 1; }
