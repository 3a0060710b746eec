/* Sites of five and three bytes, wholly inside a 64-byte line or across two. What follows the short ones becomes the upper half
 * of how far a jump in their place goes: forwards, since behind a static program there is nothing. */
#include "race.h"

long inside_line(long), across_lines(long), short_inside(long), short_across(long);
extern const uint8_t inside_site[], across_site[], short_inside_site[], short_across_site[];

__asm__(".text\n\t.p2align 6\n"
        "inside_line:\n inside_site: lea 0x11223344(%rdi), %rax\n ret\n\t.p2align 6\n\t.skip 61, 0x90\n"
        "across_lines:\n across_site: lea 0x11223344(%rdi), %rax\n ret\n\t.p2align 6\n"
        "short_inside:\n short_inside_site: mov %rdi, %rax\n nopl 0x0(%rax)\n add $7, %rax\n ret\n\t.p2align 6\n\t.skip 62, 0x90\n"
        "short_across:\n short_across_site: mov %rdi, %rax\n nopl 0x0(%rax)\n add $7, %rax\n ret\n\t.p2align 6\n");

const struct target targets[] = {{inside_line, inside_site, 0x11223344},
                                 {short_inside, short_inside_site, 7},
                                 {across_lines, across_site, 0x11223344},
                                 {short_across, short_across_site, 7}};
const unsigned single_store_targets = 2;
const unsigned all_targets = sizeof targets / sizeof *targets;
