# Builds for CentOS 7: zig's clang and static libc++ against glibc 2.17, with the libraries of
# build.sh's sysroot and nothing of this machine's /usr. Tests run with a real glibc 2.17, and every
# system call that Linux 3.10 lacks answers ENOSYS. build.sh lays all of that out and says where.
foreach(name EL7_ZIG EL7_SYSROOT EL7_GLIBC EL7_KERNEL310)
  if(NOT DEFINED ENV{${name}})
    message(FATAL_ERROR "${name} is not set; build with packaging/el7/build.sh")
  endif()
endforeach()

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(tools ${CMAKE_CURRENT_LIST_DIR}/bin)
set(CMAKE_C_COMPILER ${tools}/el7-cc)
set(CMAKE_CXX_COMPILER ${tools}/el7-c++)
foreach(tool AR RANLIB)
  string(TOLOWER ${tool} program)
  set(CMAKE_${tool} ${tools}/el7-${program})
  set(CMAKE_C_COMPILER_${tool} ${tools}/el7-${program})
  set(CMAKE_CXX_COMPILER_${tool} ${tools}/el7-${program})
endforeach()

# zig's own defaults are neither hardened nor, without -O, free of a sanitizer. Its headers call
# each other's missing annotations a defect. No path of this machine gets into the programs.
cmake_path(SET checkout NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../..)
set(CMAKE_CXX_FLAGS_INIT "-fPIE -fno-sanitize=undefined -fstack-protector-strong \
-ffunction-sections -fdata-sections -Wno-nullability-completeness -Wno-nullability-extension \
-ffile-prefix-map=${checkout}=/usr/src/debug/mirrord/ \
-ffile-prefix-map=$ENV{EL7_SYSROOT}=/usr/src/debug/mirrord/sysroot")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO_INIT "-D_FORTIFY_SOURCE=2 -gdwarf-4")
string(REPEAT 0 40 zeros)  # build.sh puts a digest here
set(CMAKE_EXE_LINKER_FLAGS_INIT "-pie -Wl,-z,relro,-z,now,--gc-sections,--build-id=0x${zeros}")

set(CMAKE_FIND_ROOT_PATH $ENV{EL7_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
  set(CMAKE_FIND_ROOT_PATH_MODE_${kind} ONLY)
endforeach()
set(ENV{PKG_CONFIG_LIBDIR} $ENV{EL7_SYSROOT}/lib/pkgconfig)

set(CMAKE_CROSSCOMPILING_EMULATOR
  ${CMAKE_CURRENT_LIST_DIR}/run $ENV{EL7_KERNEL310} $ENV{EL7_GLIBC})
