/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.h - the whole state of a training in one file, replaced atomically: named blocks of bytes.
 *
 *     "TINGCKP2" | u64 blocks | per block: name 32 (zero-padded), u64 bytes, the bytes padded to 8 |
 *     u64 fingerprint of all before
 *
 * Native byte order and number format: a checkpoint continues on the kind of machine and build that wrote it; models
 * travel as GGUF.
 */
#ifndef TING_TRAIN_CHECKPOINT_H
#define TING_TRAIN_CHECKPOINT_H

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "optim/optimizer.h"

/* Errors: io. */
ting_err ting_checkpoint_save(const char *path, const ting_state_block *blocks, int count);

typedef struct ting_checkpoint {
    const char *path; /* borrowed */
    ting_file file;
} ting_checkpoint;

/* Maps a checkpoint and looks at all of it. Free with ting_checkpoint_close. Errors: io; format (truncated, damaged, none). */
ting_err ting_checkpoint_open(const char *path, ting_checkpoint *out);
void ting_checkpoint_close(ting_checkpoint *checkpoint);

/* The block of this name: borrows until close, aligned to 8; false when there is none. */
bool ting_checkpoint_find(const ting_checkpoint *checkpoint, const char *name, const void **data, size_t *bytes);

/* Puts the block of text of this name into *out, in the place of what it holds; nothing when there is none. */
void ting_checkpoint_text(const ting_checkpoint *checkpoint, const char *name, ting_str *out);

/* Copies each block out of the file; nothing is changed unless all are there in their size. Errors: model, naming the
 * block. */
ting_err ting_checkpoint_read(const ting_checkpoint *checkpoint, const ting_state_block *blocks, int count);

#endif
