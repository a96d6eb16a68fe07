# Shared by the scripts that build: says what goes on, installs the packages of packaging/build-deps
# where they are missing, builds, copies the source. Sourced with $root set to the repository.
# shellcheck shell=bash
: "${root:?}"

say() { printf '%s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

seconds_since() { # EPOCHREALTIME
  local -i from=${1//[!0-9]/} now=${EPOCHREALTIME//[!0-9]/}
  printf '%d.%d s' $(((now - from) / 1000000)) $(((now - from) / 100000 % 10))
}

# Runs a command silently; when it fails, its output is what the reader wants.
quietly() { # LOG COMMAND...
  local log=$1
  shift
  mkdir -p "${log%/*}"
  "$@" >"$log" 2>&1 </dev/null && return
  tail -n 60 "$log" >&2
  die "failed: $* (all of it: $log)"
}

missing_packages() { # LIST...
  local package
  while read -r package; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s\n' "$package"
  done < <(cat "$@")
}

# Of packaging/build-deps, and of more such lists.
install_build_deps() { # LIST...
  local -a missing
  local begin=$EPOCHREALTIME
  mapfile -t missing < <(missing_packages "$root/packaging/build-deps" "$@")
  ((${#missing[@]})) || return 0
  ((EUID == 0)) ||
    die "missing packages; as root: apt-get install --no-install-recommends ${missing[*]}"
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  quietly "$root/build/apt.log" apt-get -q -o DPkg::Lock::Timeout=300 update
  quietly "$root/build/apt.log" apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "${missing[@]}"
  say "installed ${#missing[@]} packages in $(seconds_since "$begin")"
}

# Everything but what is built; a copy that git does not know is good as it stands.
copy_source() { # DIRECTORY
  mkdir -p "$1"
  if [[ -e $root/.git ]]; then
    (cd "$root" && git ls-files -z --cached --others --exclude-standard |
      xargs -0 cp -P --parents -t "$1")
  else
    tar -C "$root" --exclude=./build -c . | tar -C "$1" -x
  fi
}

# Configures when it was never done, and builds what has changed since.
build() { # NAME-BELOW-BUILD TARGETS CMAKE-ARGUMENTS...
  local dir=$root/build/$1 targets=$2 begin=$EPOCHREALTIME
  shift 2
  command -v ccache >/dev/null && set -- "$@" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
  [[ -e $dir/build.ninja ]] || say "building ${dir#"$root"/}, which takes some minutes once"
  quietly "$dir.configure.log" cmake -S "$root" -B "$dir" -G Ninja "$@"
  # shellcheck disable=SC2086 # a list of names without blanks
  quietly "$dir.build.log" cmake --build "$dir" --target $targets
  say "built ${dir#"$root"/} in $(seconds_since "$begin")"
}
