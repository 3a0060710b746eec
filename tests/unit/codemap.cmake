# The code map and what it stands on, with the core's part of reading code supplied by the tests.
set(resolve ${PROJECT_SOURCE_DIR}/src)
set(CODEMAP_SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/test_codemap_support.c
  ${resolve}/error.c
  ${resolve}/host/${CMAKE_SYSTEM_PROCESSOR}/insn.c
  ${resolve}/isa/${CMAKE_SYSTEM_PROCESSOR}/insn.c
  ${resolve}/os/linux/file.c
  ${resolve}/os/linux/headers.c
  ${resolve}/os/linux/own.c
  ${resolve}/os/linux/memory.c
  ${resolve}/os/linux/${CMAKE_SYSTEM_PROCESSOR}/protection.c
  ${resolve}/os/linux/modules.c
  ${resolve}/os/linux/${CMAKE_SYSTEM_PROCESSOR}/protection.c
  ${resolve}/resolve/codemap.c
  ${resolve}/resolve/decoded.c
  ${resolve}/resolve/eh_frame.c
  ${resolve}/resolve/elf/exports.c
  ${resolve}/resolve/elf/facts.c
  ${resolve}/resolve/modules.c
  ${resolve}/resolve/near.c
  ${resolve}/resolve/symbols.c
  ${resolve}/resolve/${CMAKE_SYSTEM_PROCESSOR}/shape.c
  ${resolve}/resolve/zones.c)
set(CODEMAP_HOST ${PROJECT_SOURCE_DIR}/src/host/${CMAKE_SYSTEM_PROCESSOR} ${CMAKE_CURRENT_SOURCE_DIR}/${CMAKE_SYSTEM_PROCESSOR})

# Where the emulator has the system's libraries from.
set(CODEMAP_ROOT)
if(CMAKE_CROSSCOMPILING)
  list(GET CMAKE_FIND_ROOT_PATH 0 CODEMAP_ROOT)
endif()

# Code whose instruction starts are known, as libraries: under a name like libc's too, with and without symbols.
function(codemap_library name source)
  add_library(${name} SHARED ${source})
  target_compile_options(${name} PRIVATE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" LINKER_LANGUAGE C)
  # clang marks branches to global symbols as plain pc-relative: they are to stay inside the library.
  target_link_options(${name} PRIVATE -Wl,-Bsymbolic)
endfunction()
codemap_library(codemap_code test_codemap_code_${CMAKE_SYSTEM_PROCESSOR}.S)
codemap_library(libc.codemap test_codemap_code_${CMAKE_SYSTEM_PROCESSOR}.S)
codemap_library(libc.codemap_stripped test_codemap_code_${CMAKE_SYSTEM_PROCESSOR}.S)
target_link_options(libc.codemap_stripped PRIVATE -s)
foreach(kind first second)
  codemap_library(codemap_reload_${kind} test_codemap_reload_${CMAKE_SYSTEM_PROCESSOR}.S)
  codemap_library(codemap_reload_${kind}_unnamed test_codemap_reload_${CMAKE_SYSTEM_PROCESSOR}.S)
  target_link_options(codemap_reload_${kind} PRIVATE -Wl,--build-id)
  target_link_options(codemap_reload_${kind}_unnamed PRIVATE -Wl,--build-id=none)
endforeach()
target_compile_definitions(codemap_reload_second PRIVATE SECOND)
target_compile_definitions(codemap_reload_second_unnamed PRIVATE SECOND)

function(codemap_test name)
  sighook_test(NAME unit_${name} SOURCES test_${name}.c ${CODEMAP_SOURCES}
    LIBRARIES NONE ${SIGHOOK_DECODER} ${CMAKE_DL_LIBS} INCLUDES ${CODEMAP_HOST} OPTIONS -D_GNU_SOURCE ${ARGN})
  target_compile_definitions(unit_${name} PRIVATE
    READELF="${CMAKE_READELF}" OBJDUMP="${CMAKE_OBJDUMP}" SYSTEM_ROOT="${CODEMAP_ROOT}"
    CODE_LIBRARY="$<TARGET_FILE:codemap_code>"
    LIBC_LIBRARY="$<TARGET_FILE:libc.codemap>"
    STRIPPED_LIBRARY="$<TARGET_FILE:libc.codemap_stripped>"
    RELOAD_FIRST="$<TARGET_FILE:codemap_reload_first>"
    RELOAD_SECOND="$<TARGET_FILE:codemap_reload_second>"
    RELOAD_FIRST_UNNAMED="$<TARGET_FILE:codemap_reload_first_unnamed>"
    RELOAD_SECOND_UNNAMED="$<TARGET_FILE:codemap_reload_second_unnamed>")
  add_dependencies(unit_${name} codemap_code libc.codemap libc.codemap_stripped codemap_reload_first
    codemap_reload_second codemap_reload_first_unnamed codemap_reload_second_unnamed)
endfunction()
codemap_test(eh_frame ${SIGHOOK_UNIT_SANITIZERS})
codemap_test(codemap)
codemap_test(codemap_own)
codemap_test(codemap_zones)
codemap_test(codemap_symbols)
set_target_properties(unit_codemap_symbols PROPERTIES ENABLE_EXPORTS ON)
codemap_test(codemap_facts ${SIGHOOK_UNIT_SANITIZERS})
# Of x86-64 only: instructions inside of others. Of AArch64 only: words.
set(CODEMAP_OWN_x86_64 codemap_inner)
set(CODEMAP_OWN_aarch64 codemap_words)
foreach(name ${CODEMAP_OWN_${CMAKE_SYSTEM_PROCESSOR}})
  codemap_test(${name})
endforeach()
