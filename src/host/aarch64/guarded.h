/* For the end of an assembler file in which nothing is jumped to but at a landing pad, and no return address is stored that could be
 * signed. */
        .section .note.gnu.property, "a", %note
        .p2align 3
        .word   4, 16, 5                        /* sizes of name and descriptor; NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .word   0xC0000000, 4, 3, 0             /* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI, PAC */
