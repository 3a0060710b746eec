/* AArch64. A stub is `adrp x16; ldr x17,[x16,#lo]; add x16,x16,#lo; br x17`, perhaps behind `bti c`, and perhaps with an
 * `autia1716` before its branch (sysvabi64, Program Linkage Table). */
#include "arch.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/ifunc.h>
#include "isa/aarch64/encode.h"

enum { ADRP_PAGE_BITS = 12, SLOT_BYTES = 8 };
#define CPU_GCS (UINT64_C(1) << 32)    /* HWCAP_GCS */
#define CPU_BTI (UINT64_C(1) << 17)    /* HWCAP2_BTI */
#define CPU_MTE (UINT64_C(1) << 18)    /* HWCAP2_MTE */

const struct arch arch = {.elf = EM_AARCH64,
                          .foreign = "is not a 64-bit Arm program",
                          .jump_slot = R_AARCH64_JUMP_SLOT,
                          .global_data = R_AARCH64_GLOB_DAT,
                          .choice = R_AARCH64_IRELATIVE,
                          .shadow_stack = "guarded control stack",
                          .call = "\x01\x00\x00\xD4",   /* svc #0 */
                          .call_length = A64_INSN_LENGTH,
                          .number_length = A64_INSN_LENGTH};

static uint32_t word_at(const uint8_t *code, size_t at)
{
  uint32_t word;

  memcpy(&word, code + at, sizeof word);
  return word;
}

static bool loads_target(uint32_t adrp, uint32_t ldr)
{
  return a64_is_adrp(adrp) && a64_get_rd(adrp) == A64_X16 && a64_is_ldr_x(ldr) && a64_get_rd(ldr) == A64_X17 &&
         a64_get_rn(ldr) == A64_X16;
}

static uint64_t slot_of(uint32_t adrp, uint32_t ldr, uint64_t pc)
{
  uint64_t page = (pc >> ADRP_PAGE_BITS) + (uint64_t)a64_get_adr(adrp);

  return (page << ADRP_PAGE_BITS) + a64_get_imm12(ldr) * SLOT_BYTES;
}

size_t arch_next_stub(const uint8_t *code, size_t size, uint64_t address, size_t at, struct arch_stub *stub)
{
  for (; at + 2 * A64_INSN_LENGTH <= size; at += A64_INSN_LENGTH) {
    uint32_t adrp = word_at(code, at), ldr = word_at(code, at + A64_INSN_LENGTH);
    size_t entry = at;

    if (!loads_target(adrp, ldr))
      continue;
    if (entry && a64_is_bti(word_at(code, entry - A64_INSN_LENGTH)))
      entry -= A64_INSN_LENGTH;
    *stub = (struct arch_stub){.entry = address + entry, .slot = slot_of(adrp, ldr, address + at)};
    return at + 2 * A64_INSN_LENGTH;
  }
  return 0;
}

enum { NUMBER_REGISTER = 8 };

/* movz, x or w */
static bool loads(uint32_t word, unsigned *to, uint32_t *number)
{
  *to = word & 31;
  *number = word >> 5 & 0xFFFF;
  return (word & 0x7FE00000) == 0x52800000;
}

/* mov x8 or w8, from another register; uxtw x8. */
static bool copies_number(uint32_t word)
{
  return (word & 0x7FE0FFFF) == (0x2A0003E0 | NUMBER_REGISTER) || (word & 0xFFFFFC1F) == (0xD3407C00 | NUMBER_REGISTER);
}

/* Always met at the call itself, which is as long as a branch. A number that comes from another register may be any: in
 * syscall, and where glibc since 2.41 makes every call that can be cancelled, rt_sigsuspend among them. */
bool arch_find_call(const uint8_t *code, size_t size, size_t *from, bool (*wanted)(uint32_t number), struct arch_call *call)
{
  bool suits = false;
  uint32_t last = ARCH_CALL_ANY;

  for (size_t at = 0; at + A64_INSN_LENGTH <= size; at += A64_INSN_LENGTH) {
    uint32_t word = word_at(code, at), number;
    unsigned which;

    if (loads(word, &which, &number) && which == NUMBER_REGISTER) {
      suits = wanted(number);
      last = number;
    } else if (copies_number(word)) {
      suits = true;
      last = ARCH_CALL_ANY;
    } else if (at >= *from && suits && memcmp(code + at, arch.call, arch.call_length) == 0) {
      *call = (struct arch_call){at, at + A64_INSN_LENGTH, last};
      *from = at + A64_INSN_LENGTH;
      return true;
    }
  }
  return false;
}

/* Guarded pages, tagged memory and shadow stacks are flags of mappings. */
const char *arch_mappings(void)
{
  return getauxval(AT_HWCAP) & CPU_GCS || getauxval(AT_HWCAP2) & (CPU_BTI | CPU_MTE) ? "smaps" : "maps";
}

bool arch_tells_shadow_stack(const char *status)
{
  (void)status;
  return false;
}

/* sysvabi64, GNU C Library IFUNC interface: a resolver made for an older loader looks at the first argument only. */
uint64_t arch_resolve(uint64_t resolver)
{
  const __ifunc_arg_t features = {
      ._size = sizeof features, ._hwcap = getauxval(AT_HWCAP), ._hwcap2 = getauxval(AT_HWCAP2)};

  return ((uint64_t(*)(uint64_t, const __ifunc_arg_t *))(uintptr_t)resolver)(features._hwcap | _IFUNC_ARG_HWCAP, &features);
}
