/* Sites of every kind that is displaced in its own way. Each is one word, which one store changes. */
#include "race.h"

long ordinary(long), calls_near(long), takes_page(long), branches(long), begins_with_pad(long);
extern const uint8_t ordinary_site[], call_site[], page_site[], branch_site[], pad_site[];

/* branches goes both ways by the argument's lowest bit; the added value is the same. */
__asm__(".text\n\t.p2align 4\n"
        "ordinary:\n ordinary_site: add x0, x0, #7\n ret\n"
        "calls_near:\n stp x29, x30, [sp, #-16]!\n mov x29, sp\n add x0, x0, #1\n"
        " call_site: bl add_sixteen\n add x0, x0, #2\n ldp x29, x30, [sp], #16\n ret\n"
        "add_sixteen: add x0, x0, #16\n ret\n"
        "takes_page:\n page_site: adrp x1, race_datum\n ldr x1, [x1, #:lo12:race_datum]\n add x0, x0, x1\n ret\n"
        "branches:\n and x1, x0, #1\n branch_site: cbz x1, 1f\n add x0, x0, #5\n ret\n"
        "1: add x0, x0, #5\n ret\n"
        "begins_with_pad:\n pad_site: bti c\n add x0, x0, #9\n ret\n"
        ".data\n\t.p2align 3\n race_datum: .quad 0x11223344\n"
        ".text\n");

const struct target targets[] = {{ordinary, ordinary_site, 7},
                                 {calls_near, call_site, 19},
                                 {takes_page, page_site, 0x11223344},
                                 {branches, branch_site, 5},
                                 {begins_with_pad, pad_site, 9}};
const unsigned single_store_targets = sizeof targets / sizeof *targets;
const unsigned all_targets = sizeof targets / sizeof *targets;
