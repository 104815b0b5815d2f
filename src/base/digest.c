/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - see digest.h. */
#include "base/digest.h"

#include "base/file.h"

#include <sodium.h>

void ting_sha256_bytes(const void *bytes, size_t count, char out[TING_SHA256_TEXT])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, bytes, count);
    sodium_bin2hex(out, TING_SHA256_TEXT, hash, sizeof hash);
}

ting_err ting_sha256_file(const char *path, char out[TING_SHA256_TEXT])
{
    ting_err err = TING_OK;
    ting_file file;
    TRY(ting_file_map(path, &file));
    ting_sha256_bytes(file.data, file.size, out);
    ting_file_unmap(&file);
out:
    return err;
}
