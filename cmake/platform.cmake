# The sources of the library. What is common is listed once; architecture and system each add their own.
set(SIGHOOK_COMMON_SOURCES
  src/error.c
  src/api/status.c
  src/api/spec.c
  src/api/hook.c
  src/api/patch.c
  src/api/batch.c
  src/api/signals.c
  src/api/resolve.c
  src/api/context.c
  src/api/context_float.c
  src/core/choose.c
  src/core/core.c
  src/core/counters.c
  src/core/dispatch.c
  src/core/examine.c
  src/core/heap.c
  src/core/hook.c
  src/core/leaning.c
  src/core/lifetime.c
  src/core/offsets.c
  src/core/order.c
  src/core/patched.c
  src/core/plan.c
  src/core/publish.c
  src/core/reason.c
  src/core/rewrite.c
  src/core/site.c
  src/core/thread.c
  src/core/transact.c
  src/core/unwind.c
  src/codemem/arena.c
  src/codemem/gap.c
  src/codemem/landing.c
  src/patch/patch.c
  src/patch/poke.c
  src/patch/rounds.c
  src/patch/sort.c
  src/table/read.c
  src/table/write.c
  src/resolve/codemap.c
  src/resolve/eh_frame.c
  src/resolve/modules.c
  src/resolve/near.c
  src/resolve/symbols.c
  src/resolve/zones.c
  src/trap/chain.c
  src/trap/trap.c)
# Instruction-set code is pure: the library has its own machine's, and the tests run every machine's on every host.
set(SIGHOOK_ISA_x86_64
  src/isa/x86_64/evict.c
  src/isa/x86_64/boundary.c
  src/isa/x86_64/insn.c
  src/isa/x86_64/pun.c
  src/isa/x86_64/relocate.c
  src/isa/x86_64/trapping.c)
set(SIGHOOK_ISA_aarch64
  src/isa/aarch64/insn.c
  src/isa/aarch64/relocate.c)
set(SIGHOOK_HOST_x86_64
  src/host/x86_64/boundary.c
  src/host/x86_64/choose.c
  src/host/x86_64/context.c
  src/host/x86_64/cpu.c
  src/host/x86_64/entry.c
  src/host/x86_64/evict.c
  src/host/x86_64/insn.c
  src/host/x86_64/layout.c
  src/host/x86_64/routines.S
  src/host/x86_64/store.c
  src/host/x86_64/stub.c
  src/resolve/x86_64/shape.c)
set(SIGHOOK_HOST_aarch64
  src/host/aarch64/context.c
  src/host/aarch64/cpu.c
  src/host/aarch64/entry.c
  src/host/aarch64/insn.c
  src/host/aarch64/layout.c
  src/host/aarch64/routines.S
  src/host/aarch64/store.c
  src/host/aarch64/stub.c
  src/resolve/aarch64/shape.c)
set(SIGHOOK_OS_Linux
  src/os/linux/file.c
  src/os/linux/maps.c
  src/os/linux/memory.c
  src/os/linux/modules.c
  src/os/linux/signals.c
  src/os/linux/stack.c
  src/os/linux/sync.c
  src/os/linux/text.c
  src/os/linux/threads.c
  src/resolve/elf/exports.c
  src/resolve/elf/facts.c)
set(SIGHOOK_OS_Linux_x86_64
  src/os/linux/x86_64/protection.c
  src/os/linux/x86_64/shadow_stack.c)
set(SIGHOOK_OS_Linux_aarch64
  src/os/linux/aarch64/protection.c
  src/os/linux/aarch64/shadow_stack.c)
set(SIGHOOK_FRAME_Linux_x86_64
  src/frame/linux_x86_64.c)
set(SIGHOOK_FRAME_Linux_aarch64
  src/frame/linux_aarch64.c)

# A hit runs C before every vector register is saved, so the library's own code keeps to general registers, and its loops
# stay loops: libc's memcpy may be hooked, or half patched.
set(SIGHOOK_HOST_OPTIONS_aarch64 -mbranch-protection=standard)   # or no guarded program could link it
set(SIGHOOK_HOST_OPTIONS -mgeneral-regs-only ${SIGHOOK_HOST_OPTIONS_${CMAKE_SYSTEM_PROCESSOR}})
set(SIGHOOK_VECTOR_SOURCES src/api/context_float.c)

set(SIGHOOK_HOST_SOURCES ${SIGHOOK_HOST_${CMAKE_SYSTEM_PROCESSOR}})
set(SIGHOOK_SOURCES
  ${SIGHOOK_COMMON_SOURCES} ${SIGHOOK_ISA_${CMAKE_SYSTEM_PROCESSOR}} ${SIGHOOK_HOST_SOURCES} ${SIGHOOK_OS_${CMAKE_SYSTEM_NAME}}
  ${SIGHOOK_OS_${CMAKE_SYSTEM_NAME}_${CMAKE_SYSTEM_PROCESSOR}}
  ${SIGHOOK_FRAME_${CMAKE_SYSTEM_NAME}_${CMAKE_SYSTEM_PROCESSOR}})
