# The sources of the library. What is common is listed once; architecture and system each add their own.
set(SIGHOOK_COMMON_SOURCES
  src/error.c)
# Instruction-set code is pure and built on every host.
set(SIGHOOK_ISA_SOURCES
  src/isa/x86_64/insn.c
  src/isa/x86_64/relocate.c)
set(SIGHOOK_HOST_x86_64)
set(SIGHOOK_OS_Linux)
set(SIGHOOK_FRAME_Linux_x86_64)

set(SIGHOOK_SOURCES
  ${SIGHOOK_COMMON_SOURCES} ${SIGHOOK_ISA_SOURCES}
  ${SIGHOOK_HOST_${CMAKE_SYSTEM_PROCESSOR}} ${SIGHOOK_OS_${CMAKE_SYSTEM_NAME}}
  ${SIGHOOK_FRAME_${CMAKE_SYSTEM_NAME}_${CMAKE_SYSTEM_PROCESSOR}})
