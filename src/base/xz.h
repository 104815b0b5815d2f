/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xz.h - what a file compressed with xz holds, block by block, from whoever reads the file (data/lines.h, cli/lines.h).
 */
#ifndef TING_BASE_XZ_H
#define TING_BASE_XZ_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { TING_XZ_MAGIC = 6 }; /* bytes that such a file begins with; the first of them stands in no UTF-8 */

/* Whether bytes, up to TING_XZ_MAGIC of them, are those that such a file begins with. */
bool ting_xz_begins(const void *bytes, size_t count);

typedef struct ting_xz ting_xz;

/* Free with ting_xz_free. Errors: memory. */
ting_err ting_xz_new(ting_xz **out);
void ting_xz_free(ting_xz *xz);

/* Takes bytes from *in, of which *left are there, and puts up to `room` of what they hold to `out`: *made. No bytes given mean that the
 * file is at its end; *ended: so is what it holds. Several files one behind the other count as one. Errors: format (damaged or
 * truncated). */
ting_err ting_xz_unpack(ting_xz *xz, const unsigned char **in, size_t *left, void *out, size_t room, size_t *made, bool *ended);

#endif
