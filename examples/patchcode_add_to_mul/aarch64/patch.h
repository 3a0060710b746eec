/* One instruction becomes another. */
#define PATCH_SYMBOL "calc_add_insn"
#define PATCH_OLD UINT32_C(0x0B090100) /* add w0,w8,w9 */
#define PATCH_NEW UINT32_C(0x1B097D00) /* mul w0,w8,w9 */
