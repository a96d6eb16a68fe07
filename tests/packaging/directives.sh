#!/bin/bash
# Fails when a unit holds a directive, or a value, that systemd 219 does not read as we mean it.
# directives.sh UNIT...
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Prints what is wrong, a line each.
misread() { # UNIT
  awk '
    FNR == NR {
      if ($0 !~ /^(#|$)/) { key = $1 "/" $2; sub(/^[^ ]+ +[^ ]+ +/, ""); allowed[key] = "^(" $0 ")$" }
      next
    }
    /^[ \t]*([#;]|$)/ { next }
    /^\[.*\]$/ { section = substr($0, 2, length($0) - 2); next }
    {
      at = index($0, "=")
      key = section "/" substr($0, 1, at - 1)
      if (!(key in allowed)) print FILENAME ":" FNR ": " $0 " (not in the table)"
      else if (substr($0, at + 1) !~ allowed[key]) print FILENAME ":" FNR ": " $0 " (the value)"
    }' "$here/centos7/directives" "$1"
}

# The table must refuse what is known to go wrong, or it proves nothing.
refuses() { # SECTION DIRECTIVE
  local unit
  unit=$(mktemp)
  printf '[%s]\n%s\n' "$1" "$2" >"$unit"
  [[ $(misread "$unit") ]] || { rm "$unit"; echo "the table lets '$2' pass"; exit 1; }
  rm "$unit"
}

while IFS='|' read -r section directive; do refuses "$section" "$directive"; done <<'WRONG'
Service|Type=notify-reload
Service|Type=exec
Service|TimeoutStartSec=infinity
Service|ExecStart=+/usr/sbin/mirrord
Service|ExecStart=!/usr/sbin/mirrord
Service|ProtectSystem=strict
Service|SystemCallFilter=@system-service
Service|BusName=org.mirrord1
Service|StateDirectory=mirrord
Service|NoNewPrivileges=yes
Service|ReadWritePaths=/srv
Service|MemoryMax=1G
Unit|StartLimitIntervalSec=5min
WRONG

(($#)) || { echo 'no unit is given'; exit 1; }
wrong=$(for unit in "$@"; do misread "$unit"; done)
[[ -z $wrong ]] || { printf 'systemd 219 misreads:\n%s\n' "$wrong"; exit 1; }
