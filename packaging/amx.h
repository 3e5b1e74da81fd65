/* Included before all of llama.cpp where the processor has AMX.

   GCC 12 declares that `ldtilecfg` reads 8 bytes. It reads 64, so the compiler may leave out what
   is written to the others, and the next tile instruction is an illegal one
   (ggml-org/llama.cpp, pull request 26954). */

#ifdef __AMX_TILE__
#include <immintrin.h>
#define _tile_loadconfig(config) \
    __asm__ volatile("ldtilecfg %0" : : "m"(*(const char(*)[64])(config)))
#endif
