#!/bin/bash
# What must hold of the built package for CentOS 7: el7.sh GATE, a function of this file.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/packaging
out=$root/build/el7
package=$(echo "$out"/mirrord-[0-9]*.el7.x86_64.rpm)
payload=$out/payload

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

programs() { printf '%s\n' "$payload/usr/sbin/mirrord" "$payload/usr/bin/mirrorctl"; }

# Unpacks what users get, and puts programs that run it as on CentOS 7 into build/el7/bin/: the glibc,
# the system calls, and the rsync and ssh of that time.
unpack() {
  local program
  [[ -f $package ]] || fail "no package: packaging/el7/build.sh makes it"
  rm -rf "$payload" "${out:?}/bin"
  mkdir -p "$payload" "$out/bin"
  rpm2archive - <"$package" | tar -xz -C "$payload"
  while read -r program; do
    cat >"$out/bin/${program##*/}" <<SCRIPT
#!/bin/sh
PATH=$here/centos7:\$PATH exec $root/packaging/el7/run --getrandom $out/kernel310 $out/glibc $program "\$@"
SCRIPT
    chmod 755 "$out/bin/${program##*/}"
    "$out/bin/${program##*/}" --version
  done < <(programs)
}

# Nothing newer than glibc 2.17 is asked for, and no library that CentOS 7 lacks or has too old.
symbols() {
  local program newest
  while read -r program; do
    newest=$(objdump -T "$program" | grep -oE 'GLIBC(XX)?_[0-9.]+|CXXABI_[0-9.]+' | sort -Vu | tail -1)
    [[ $newest == GLIBC_* ]] || fail "$program needs $newest"
    [[ $(printf '%s\n' GLIBC_2.17 "$newest" | sort -V | tail -1) == GLIBC_2.17 ]] ||
      fail "$program needs $newest"
    echo "${program##*/} needs $newest"
  done < <(programs)
}

libraries() {
  local program others
  while read -r program; do
    others=$(objdump -p "$program" | awk '$1 == "NEEDED" { print $2 }' |
      grep -vxE 'lib(c|m)\.so\.6|lib(dl)\.so\.2|libpthread\.so\.0|librt\.so\.1|ld-linux-x86-64\.so\.2' || true)
    [[ -z $others ]] || fail "$program needs $others"
  done < <(programs)
}

hardening() {
  local program
  while read -r program; do
    readelf -hW "$program" | grep -q 'Type: *DYN' || fail "$program is at a fixed address"
    readelf -dW "$program" | grep -q 'NOW' || fail "$program binds lazily"
    readelf -lW "$program" | grep -q GNU_RELRO || fail "$program has no RELRO"
    readelf -lW "$program" | grep GNU_STACK | grep -q 'RW ' || fail "$program has an executable stack"
    readelf -nW "$program" | grep -qE 'Build ID: [0-9a-f]{40}' || fail "$program has no build-id"
    ! readelf -nW "$program" | grep -qE 'Build ID: 0{40}' || fail "$program has an empty build-id"
  done < <(programs)
}

# Every name, whatever its version; scriptlets.sh resolves the versions.
requires() {
  local unknown
  unknown=$(comm -23 <(rpm -qp --requires "$package" | sed 's/ [<>=].*//' | grep -v '^config(mirrord)' | sort -u) \
    <(grep -v '^#' "$here/centos7/provides" | sed 's/ [<>=].*//' | sort -u))
  [[ -z $unknown ]] || fail 'CentOS 7 does not provide' "$unknown"
  [[ $(rpm -qp --provides "$package") == *'bundled(systemd-libs) = 252'* ]] ||
    fail 'the package does not say which libsystemd is in it'
}

# rpm 4.11 reads xz and gzip, and SHA-256 digests; nothing of the build machine is inside.
contents() {
  local compressor
  compressor=$(rpm -qp --qf '%{PAYLOADCOMPRESSOR}' "$package")
  [[ $compressor == xz || $compressor == gzip ]] || fail "the payload is packed with $compressor"
  [[ $(rpm -qp --qf '%{FILEDIGESTALGO}' "$package") == 8 ]] || fail 'the digests are not SHA-256'
  [[ $(rpm -qpc "$package") == /etc/mirrord/mirrord.toml ]] || fail 'the configuration is not %config'
  [[ -z $(find "$payload" -name '*hardening*') ]] || fail 'the drop-in for newer systemd is inside'
  names_nothing_of_this_machine "$payload"
}

# Nor do the places of source files.
debuginfo() {
  local debug=$out/debuginfo
  rm -rf "$debug"
  mkdir "$debug"
  rpm2archive - <"$(echo "$out"/mirrord-debuginfo-*.rpm)" | tar -xz -C "$debug"
  names_nothing_of_this_machine "$debug"
  readelf --debug-dump=info --dwarf-depth=1 "$debug"/usr/lib/debug/.build-id/*/*.debug 2>/dev/null |
    grep ': /usr/src/debug/mirrord/src/daemon/engine.cpp$' >/dev/null || fail 'no source is named'
}

names_nothing_of_this_machine() { # DIRECTORY
  local cache
  cache=$(dirname "$(readlink -f "$out/glibc")")
  ! grep -rlaP --exclude='*.glibc-2.17' "(?<![\w./-])(\Q$root\E|\Q$cache\E|\Q$HOME\E)/" "$1" ||
    fail 'these files name the checkout, the cache or the home directory'
}

# Lua is linked in.
importer() {
  cd "$root/tests/ctl/lsyncd"
  diff <("$out/bin/mirrorctl" import-lsyncd story.lua) story.toml ||
    fail 'mirrorctl import-lsyncd prints something else'
}

units() {
  find "$payload/usr/lib/systemd/system" -type f -exec "$here/directives.sh" {} +
}

scriptlets() { "$here/scriptlets.sh" "$out/root" "$package"; }

unit_tests() {
  "$root/packaging/el7/build.sh" --tests
  ctest --test-dir "$out/tree" --output-on-failure --no-tests=error -j2 -R '^(core|io|daemon|ctl)\.'
}

"$@"
