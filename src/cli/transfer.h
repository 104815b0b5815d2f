/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.h - the only code that touches the network: one file from one address (libcurl), and chosen members
 * out of an archive (libarchive). transfer_absent.c stands in where a build lacks them.
 */
#ifndef TING_CLI_TRANSFER_H
#define TING_CLI_TRANSFER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ting_download {
    const char *url;
    const char *path;   /* grows as bytes come; what stands there already is the beginning: asks for the rest */
    int64_t most;       /* more bytes than this are refused */
    bool any_scheme;    /* also http (tests, mirrors); otherwise https alone, redirects included */
    bool (*progress)(void *self, double done, double total); /* total 0: not known; false stops */
    void *self;
} ting_download;

/* A server that can't resume sends all again. Keeps what came when it fails, so that a second call resumes.
 * Errors: io (naming address and reason), cancelled, unsupported (this build). */
ting_err ting_transfer_download(const ting_download *download);

typedef struct ting_member {
    const char *name; /* path in the archive behind its first folder: "g2pM/np_ckpt.pkl" */
    const char *as;   /* file name to write */
    const char *sha256;
    int64_t size;
} ting_member;

/* Writes the members into folder, which exists; all others are passed over. Names to write come from the caller,
 * never from the archive, and only regular files of exactly the stated size and SHA-256 are taken. Errors: format (a
 * member is missing, of another size or content, or twice; not an archive), io, unsupported. */
ting_err ting_transfer_unpack(const char *archive, const ting_member *members, int count, const char *folder);

#endif
