# Builds for Linux with musl: for this machine by Debian's musl-gcc, or, given -DSIGHOOK_MUSL_MACHINE=aarch64 on another one,
# by the cross-compiler of cmake/aarch64-linux-gnu.cmake with the specs of musl, the programs running under qemu-user.
# -DSIGHOOK_MUSL=DIR names the folder that tests/musl/setup.sh made, -DSIGHOOK_ARM64=DIR that of tests/arm64/setup.sh.
cmake_host_system_information(RESULT host QUERY OS_PLATFORM)

function(sighook_made_by variable folder script)
  if(NOT ${variable})
    if(DEFINED ENV{${variable}})
      set(${variable} $ENV{${variable}})
    elseif(DEFINED ENV{XDG_CACHE_HOME})
      set(${variable} $ENV{XDG_CACHE_HOME}/${folder})
    else()
      set(${variable} $ENV{HOME}/.cache/${folder})
    endif()
  endif()
  set(${variable} ${${variable}} CACHE PATH "what ${script} made")
endfunction()
sighook_made_by(SIGHOOK_MUSL sighook-musl tests/musl/setup.sh)
sighook_made_by(SIGHOOK_ARM64 sighook-arm64 tests/arm64/setup.sh)
set(SIGHOOK_MUSL_MACHINE ${host} CACHE STRING "x86_64 or aarch64")
# Compiler checks configure projects of their own, which read this file again.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SIGHOOK_MUSL SIGHOOK_ARM64 SIGHOOK_MUSL_MACHINE)

set(SIGHOOK_LIBC musl)
set(root ${SIGHOOK_MUSL}/${SIGHOOK_MUSL_MACHINE})
set(flags "-isystem ${root}/include")
if(SIGHOOK_MUSL_MACHINE STREQUAL aarch64)
  string(APPEND flags " -mno-outline-atomics")   # Debian's libgcc has them for glibc, by __getauxval
endif()
if(SIGHOOK_MUSL_MACHINE STREQUAL "${host}")
  set(CMAKE_C_COMPILER musl-gcc)
else()
  set(CMAKE_SYSTEM_NAME Linux)
  set(CMAKE_SYSTEM_PROCESSOR ${SIGHOOK_MUSL_MACHINE})
  set(CMAKE_C_COMPILER ${SIGHOOK_MUSL_MACHINE}-linux-gnu-gcc)
  set(flags "${flags} -specs ${SIGHOOK_ARM64}/musl/musl-gcc.specs")
  # -R: else the emulator puts program, heap and stack so close together that no gap in a branch's reach is left.
  set(CMAKE_CROSSCOMPILING_EMULATOR ${SIGHOOK_ARM64}/qemu-${SIGHOOK_MUSL_MACHINE} -R 0x40000000000 -L ${SIGHOOK_ARM64}/musl)
endif()
set(CMAKE_C_FLAGS_INIT "${flags}")
# Debian's specs leave out the table that leads to the unwind tables, in which the library finds functions.
foreach(kind EXE SHARED MODULE)
  set(CMAKE_${kind}_LINKER_FLAGS_INIT -Wl,--eh-frame-hdr)
endforeach()

# What this machine has is for glibc.
set(CMAKE_FIND_ROOT_PATH ${root})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
