# Cross-builds for arm64 Linux, with gcc or, given -DSIGHOOK_ARM64_COMPILER=clang, with clang and lld. Programs run under
# qemu-user. -DSIGHOOK_ARM64=DIR names the folder that tests/arm64/setup.sh made; the C library to build against comes from
# the Debian package libc6-dev-arm64-cross, the libraries of the tests from DIR/root-12.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

if(NOT SIGHOOK_ARM64)
  if(DEFINED ENV{SIGHOOK_ARM64})
    set(SIGHOOK_ARM64 $ENV{SIGHOOK_ARM64})
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(SIGHOOK_ARM64 $ENV{XDG_CACHE_HOME}/sighook-arm64)
  else()
    set(SIGHOOK_ARM64 $ENV{HOME}/.cache/sighook-arm64)
  endif()
endif()
set(SIGHOOK_ARM64 ${SIGHOOK_ARM64} CACHE PATH "what tests/arm64/setup.sh made")
set(SIGHOOK_ARM64_COMPILER gcc CACHE STRING "gcc or clang")
# Compiler checks configure projects of their own, which read this file again.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SIGHOOK_ARM64 SIGHOOK_ARM64_COMPILER)
set(root ${SIGHOOK_ARM64}/root-12)

if(SIGHOOK_ARM64_COMPILER STREQUAL clang)
  set(CMAKE_C_COMPILER clang)
  set(CMAKE_CXX_COMPILER clang++)
  foreach(language C CXX ASM)
    set(CMAKE_${language}_COMPILER_TARGET aarch64-linux-gnu)
  endforeach()
  set(linker -fuse-ld=lld)
else()
  set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
  set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
endif()

# After the compiler's own folders: the root's libraries are wanted, not its C library.
foreach(language C CXX)
  set(CMAKE_${language}_FLAGS_INIT "-idirafter ${root}/usr/include -idirafter ${root}/usr/include/aarch64-linux-gnu")
endforeach()
foreach(kind EXE SHARED MODULE)
  set(CMAKE_${kind}_LINKER_FLAGS_INIT "${linker} -L${root}/usr/lib/aarch64-linux-gnu -Wl,-rpath-link,${root}/usr/lib/aarch64-linux-gnu")
endforeach()

set(CMAKE_FIND_ROOT_PATH ${root} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# -R: else the emulator puts program, heap and stack so close together that no gap in a branch's reach is left.
set(CMAKE_CROSSCOMPILING_EMULATOR ${SIGHOOK_ARM64}/qemu-aarch64 -R 0x40000000000 -L ${root})
