/* SPDX-License-Identifier: Apache-2.0 */
/* xz.c - liblzma's decoder, within a bound of memory; see xz.h. */
#include "base/xz.h"

#include "base/mem.h"

#include <lzma.h>
#include <string.h>

enum { MEMORY = 256 << 20 };

struct ting_xz {
    lzma_stream coder;
};

bool ting_xz_begins(const void *bytes, size_t count)
{
    return memcmp(bytes, "\xFD" "7zXZ\0", count < TING_XZ_MAGIC ? count : TING_XZ_MAGIC) == 0;
}

ting_err ting_xz_new(ting_xz **out)
{
    ting_xz *xz = *out = ting_alloc(1, sizeof *xz);
    if (xz == NULL)
        return TING_ERR_MEMORY;
    xz->coder = (lzma_stream)LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&xz->coder, MEMORY, LZMA_CONCATENATED) == LZMA_OK)
        return TING_OK;
    ting_free(xz);
    *out = NULL;
    return ting_fail(TING_ERR_MEMORY, "no memory to decompress");
}

void ting_xz_free(ting_xz *xz)
{
    if (xz == NULL)
        return;
    lzma_end(&xz->coder);
    ting_free(xz);
}

ting_err ting_xz_unpack(ting_xz *xz, const unsigned char **in, size_t *left, void *out, size_t room, size_t *made, bool *ended)
{
    xz->coder.next_in = *in;
    xz->coder.avail_in = *left;
    xz->coder.next_out = out;
    xz->coder.avail_out = room;
    const lzma_ret got = lzma_code(&xz->coder, *left == 0 ? LZMA_FINISH : LZMA_RUN);
    *in = xz->coder.next_in;
    *left = xz->coder.avail_in;
    *made = room - xz->coder.avail_out;
    *ended = got == LZMA_STREAM_END;
    if (got != LZMA_OK && got != LZMA_STREAM_END)
        return ting_fail(TING_ERR_FORMAT, "damaged or truncated xz data");
    return TING_OK;
}
