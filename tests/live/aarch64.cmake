# What only AArch64 has, and the processors that the emulator can be: registers differ by processor.
set(spoil aarch64/spoil.S aarch64/spoil.c)
sighook_test(NAME live_hard SOURCES hard_aarch64_test.c patterns_aarch64.S patterns_aarch64_state.S ${spoil}
  LIBRARIES sighook_static INCLUDES ${machine})
set_source_files_properties(aarch64/integer_handlers.c PROPERTIES COMPILE_OPTIONS -mgeneral-regs-only)
sighook_test(NAME live_registers SOURCES aarch64/registers_test.c aarch64/integer_handlers.c aarch64/registers.S ${spoil}
  LIBRARIES sighook_static INCLUDES ${machine})
sighook_test(NAME live_corners SOURCES aarch64/corner_test.c aarch64/corners.S ${patterns}
  LIBRARIES sighook_static INCLUDES ${machine} ${CMAKE_CURRENT_SOURCE_DIR})

# The same where no memory is free in a branch's reach.
set(far crowd.c aarch64/far.c)
sighook_test(NAME live_far SOURCES aarch64/far_test.c ${far} ${patterns} LIBRARIES sighook_static
  INCLUDES ${machine} ${CMAKE_CURRENT_SOURCE_DIR})
sighook_test(NAME live_hard_far SOURCES hard_aarch64_test.c patterns_aarch64.S patterns_aarch64_state.S ${spoil} ${far}
  LIBRARIES sighook_static INCLUDES ${machine} ${CMAKE_CURRENT_SOURCE_DIR})
set(long live_hard_far)                # tests/arm64 runs it on a kernel
if(SIGHOOK_STATIC_TESTS)
  list(APPEND long live_hard_far_static)
endif()
sighook_long_tests(${long})
sighook_test(NAME live_corners_far SOURCES aarch64/corner_test.c aarch64/corners.S ${far} ${patterns}
  LIBRARIES sighook_static INCLUDES ${machine} ${CMAKE_CURRENT_SOURCE_DIR})
foreach(part calls handlers)
  sighook_test(NAME live_${part}_far SOURCES ${part}_test.c ${far} ${patterns} LIBRARIES sighook_static
    INCLUDES ${machine} ${CMAKE_CURRENT_SOURCE_DIR})
endforeach()

# sighook_test_on(<test> <processor>): the same program on another processor of the emulator's.
function(sighook_test_on test processor)
  string(REPLACE "," "_" name ${test}_${processor})
  string(REPLACE "=" "_" name ${name})
  sighook_register_test(${name} 120 "" ${CMAKE_CROSSCOMPILING_EMULATOR} -cpu ${processor} $<TARGET_FILE:${test}>)
endfunction()

if(CMAKE_CROSSCOMPILING_EMULATOR AND NOT SIGHOOK_LIBC STREQUAL "musl")
  foreach(processor max,sve=off max,sve-max-vq=1 max,sve-max-vq=2 max,sve-max-vq=4 max,sve-max-vq=16 neoverse-v1 cortex-a72)
    sighook_test_on(live_registers ${processor})
  endforeach()
  foreach(processor max,sve=off neoverse-v1 cortex-a72)
    sighook_test_on(live_hard ${processor})
  endforeach()
  # The emulator otherwise puts program, heap and stack so close together that no gap in a branch's reach is left: with a
  # reserved address space they lie as on Linux itself.
  get_property(tests DIRECTORY PROPERTY TESTS)
  set_property(TEST ${tests} APPEND PROPERTY ENVIRONMENT QEMU_RESERVED_VA=0x40000000000)
endif()
