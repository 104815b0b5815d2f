/* SPDX-License-Identifier: Apache-2.0 */
/* lm_file.h - tables of n-grams out of model files and into them: GGUF, or ARPA where the name ends in .arpa. */
#ifndef TING_TRAIN_LM_FILE_H
#define TING_TRAIN_LM_FILE_H

#include "model/ngram_table.h"

bool ting_lm_file_is_arpa(const char *path);

/* Whether a model can be written there, before the work: the name has one of the endings, of which a network only has .gguf. Errors:
 * argument (another ending). */
ting_err ting_lm_file_check_name(const char *path, bool network);

/* Network "lm" of a GGUF file, which must be of n-grams, or an ARPA file. A sealed table; free with ting_ngram_table_free. Errors: io,
 * format, model, not found, memory. */
ting_err ting_lm_file_read(const char *path, ting_ngram_table *out);

typedef struct ting_lm_file_notes { /* texts of a GGUF file, NULL: it does not say. ARPA has no room for them */
    const char *name, *licence, *authors, *source, *training;
} ting_lm_file_notes;

/* In place of what stands there. Errors: io, memory, unsupported (more n-grams than fit). */
ting_err ting_lm_file_write(const ting_ngram_table *table, const ting_lm_file_notes *notes, const char *path);

/* Puts keys of network "lm". */
void ting_lm_file_put_notes(ting_gguf_writer *writer, const ting_lm_file_notes *notes);

#endif
