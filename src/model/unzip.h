/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unzip.h - the members of a zip archive in memory (.npz, .pt), through libzip.
 *
 * Bounded: a member may not claim more bytes than deflate can make of its compressed ones (1032 to 1), and
 * all reads together not more than that of the whole file, so neither a lying size nor overlapping
 * members can ask for memory out of proportion. Only stored and deflated members.
 */
#ifndef TING_MODEL_UNZIP_H
#define TING_MODEL_UNZIP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_unzip ting_unzip;

/* The bytes are borrowed until close. `out` is NULL on failure. Errors: format, memory. */
ting_err ting_unzip_open(const void *bytes, size_t size, ting_unzip **out);
void ting_unzip_close(ting_unzip *zip);

bool ting_unzip_is_zip(const void *bytes, size_t size); /* by the first four bytes */

size_t ting_unzip_count(const ting_unzip *zip);
const char *ting_unzip_name(const ting_unzip *zip, size_t index); /* "" if it has none; borrows until close */

/* Reads a member whole, checks its CRC: owned, aligned to TING_ALIGN, free with ting_free. */
ting_err ting_unzip_read(ting_unzip *zip, size_t index, void **out, size_t *bytes);

/* The same for a member by its exact name. Errors: not found too. */
ting_err ting_unzip_read_named(ting_unzip *zip, const char *name, void **out, size_t *bytes);

#endif
