/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest_write.h - clips to a manifest: a table with the columns id, path, speaker, start, seconds, text, pinyin.
 *
 *     TRY(ting_manifest_create("train.tsv", &writer));
 *     TRY(ting_manifest_put(&writer, &clip));    any number
 *     TRY(ting_manifest_commit(&writer));
 *     ...
 *     ting_manifest_abandon(&writer);            in any case: does nothing after commit
 *
 * The file takes its place at commit, whole. Paths are written from the root, so that the table can be moved.
 */
#ifndef TING_DATA_MANIFEST_WRITE_H
#define TING_DATA_MANIFEST_WRITE_H

#include "base/file.h"
#include "base/str.h"
#include "data/manifest.h"

typedef struct ting_manifest_writer { /* start with {0} */
    ting_file_writer file;
    char *here; /* the working directory */
    ting_str row;
} ting_manifest_writer;

/* Errors: io, memory. */
ting_err ting_manifest_create(const char *path, ting_manifest_writer *out);

/* White space in texts becomes spaces. Errors: format (an id or path with a tab or line end in it, which no table can
 * hold), io, memory. */
ting_err ting_manifest_put(ting_manifest_writer *writer, const ting_clip *clip);
ting_err ting_manifest_commit(ting_manifest_writer *writer);
void ting_manifest_abandon(ting_manifest_writer *writer);

#endif
