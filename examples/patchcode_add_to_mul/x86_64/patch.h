/* `addl %esi, %eax` (two bytes) and the two `nop` after it become `imull %esi, %eax` (three bytes) and one `nop`. */
#define PATCH_SYMBOL "calc_patchpoint"
#define PATCH_OLD UINT32_C(0x9090f001) /* 01 f0     add  %esi,%eax; 90 nop; 90 nop */
#define PATCH_NEW UINT32_C(0x90c6af0f) /* 0f af c6  imul %esi,%eax; 90 nop */
