/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull.h - the public models that `tingxie pull` knows, and how one of them comes into a folder.
 *
 * download to FOLDER/NAME.part (resumed) -> members, each verified by SHA-256, to a temporary folder -> GGUF, or the
 * folder itself -> its place. What is not complete never stands under its final name.
 */
#ifndef TING_CLI_PULL_H
#define TING_CLI_PULL_H

#include "cli/transfer.h"

#include "base/str.h"

enum { TING_PULL_MEMBERS = 8 };

typedef struct ting_pull_model {
    const char *name, *about;
    const char *url;      /* of the authors' own release: an archive */
    const char *license;  /* SPDX */
    const char *authors;
    int64_t most;         /* bytes the archive may have */
    bool to_gguf;         /* a transducer: becomes NAME.gguf; otherwise the folder NAME is kept as it is */
    ting_member members[TING_PULL_MEMBERS]; /* ends with a NULL name or the end of the array */
} ting_pull_model;

/* The table, ending with a NULL name. */
extern const ting_pull_model ting_pull_models[];

typedef struct ting_pull_options {
    const char *folder; /* made if need be */
    const char *from;   /* an address instead of the model's own; NULL: the model's */
    bool again;         /* also when it is there already */
    bool (*progress)(void *self, double done, double total);
    void *self;
} ting_pull_options;

/* The path of the file or folder is appended to place, also when it was there already (*fresh false). Errors: those of
 * transfer.h and of converting; io. */
ting_err ting_pull(const ting_pull_model *model, const ting_pull_options *options, ting_str *place, bool *fresh);

#endif
