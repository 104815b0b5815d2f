/* SPDX-License-Identifier: Apache-2.0 */
/* lm.c - the language models of tingxie.h: out of a file. */
#include "engine/lm.h"

#include "base/file.h"
#include "base/mem.h"

ting_err ting_lm_open(const char *path, ting_lm **out)
{
    ting_err err = TING_OK;
    ting_network found;
    *out = NULL;
    ting_lm *lm = ting_alloc(1, sizeof *lm);
    if (lm == NULL)
        return TING_ERR_MEMORY;
    if (path != NULL && ting_path_ends(path, ".arpa"))
        FAIL(TING_ERR_UNSUPPORTED, "%s: an ARPA file: make a model file of it first (tingxie convert %s -o lm.gguf)", path, path);
    TRY(ting_gguf_open(path, &lm->file));
    TRY(ting_network_find(&lm->file, "lm", &found));
    if (ting_lm_model_is(&found)) {
        TRY(ting_lm_model_open(&found, ting_kern_select(ting_cpu_detect()), TING_PRECISION_F32, &lm->net));
        lm->words = &lm->net.words;
    } else {
        TRY(ting_ngram_open(&found, &lm->ngram));
        lm->words = ting_ngram_words(lm->ngram);
    }
    TRY_IN(ting_vocabulary_new(lm->words, &lm->vocabulary), "%s", path);
    *out = lm;
    lm = NULL;
out:
    ting_lm_free(lm);
    return err;
}

void ting_lm_free(ting_lm *lm)
{
    if (lm == NULL)
        return;
    ting_vocabulary_free(lm->vocabulary);
    ting_ngram_free(lm->ngram);
    ting_lm_model_close(&lm->net);
    ting_gguf_close(&lm->file);
    ting_free(lm);
}
