#!/usr/bin/env bash
# Fails when an include points to a higher layer, or when core reaches for the system.
set -euo pipefail
cd "$1"
bad=$(
  grep -rnE '#include ["<](io/|daemon/|ctl/|systemd/|spdlog|unistd\.h|dirent\.h|fcntl\.h|sys/)' core || true
  grep -rnE '(steady|system|high_resolution)_clock::now\(|\bsleep' core || true
  grep -rnE '#include "(daemon|ctl)/' io || true
  grep -rnE '#include "ctl/' daemon || true
  grep -rnE '#include "daemon/' ctl || true
)
[ -z "$bad" ] || { printf 'Against the layers:\n%s\n' "$bad"; exit 1; }
