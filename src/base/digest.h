/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h - SHA-256 (FIPS 180-4) of files, through libsodium. */
#ifndef TING_BASE_DIGEST_H
#define TING_BASE_DIGEST_H

#include "base/err.h"

#include <stddef.h>

enum { TING_SHA256_TEXT = 65 }; /* 64 hexadecimal digits and '\0' */

void ting_sha256_bytes(const void *bytes, size_t count, char out[TING_SHA256_TEXT]);

/* Errors: io. */
ting_err ting_sha256_file(const char *path, char out[TING_SHA256_TEXT]);

#endif
