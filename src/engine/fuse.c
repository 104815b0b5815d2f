/* SPDX-License-Identifier: Apache-2.0 */
/* fuse.c - see fuse.h. */
#include "engine/fuse.h"

#include "base/mem.h"
#include "engine/lm.h"
#include "model/tokens.h"

/* out [vocab]: the word of each token. */
static ting_err map_words(const ting_am *am, const ting_lm *lm, uint32_t *out)
{
    const int vocab = ting_am_vocab(&am->net->config), blank = ting_am_blank(&am->net->config);
    const char *lacked = NULL;
    int spoken = 0, lacking = 0;
    for (int t = 0; t < vocab; t++) {
        const char *token = am->tokens.items[t];
        out[t] = ting_vocabulary_find(lm->vocabulary, token, strlen(token));
        if (t == blank || ting_token_is_special(token))
            continue;
        spoken++;
        if (out[t] == TING_NGRAM_UNKNOWN && lacking++ == 0)
            lacked = token;
    }
    if (4 * lacking <= spoken)
        return TING_OK;
    return ting_fail(TING_ERR_MODEL,
                     "%s: its words are other ones than the acoustic model's tokens: it lacks %d of %d, such as \"%s\", and has \"%s\"; "
                     "take one that was trained with tokens: {of: MODEL} (tingxie lm train)",
                     lm->file.label, lacking, spoken, lacked,
                     lm->words->count > TING_NGRAM_SPECIALS ? lm->words->items[TING_NGRAM_SPECIALS] : "");
}

static ting_err add_lm(const ting_am *am, const ting_lm *lm, double weight, ting_fuse *out)
{
    ting_err err = TING_OK;
    const int m = out->fusion.count;
    if (ting_lm_sees_whole(lm))
        FAIL(TING_ERR_UNSUPPORTED, "%s: a language model that looks at a token from both sides cannot go along with a search",
             lm->file.label);
    out->word[m] = ting_alloc((size_t)out->fusion.vocab, sizeof *out->word[m]);
    if (out->word[m] == NULL)
        return TING_ERR_MEMORY;
    TRY(map_words(am, lm, out->word[m]));
    out->fusion.lms[m] = (ting_fusion_lm){lm->ngram, lm->net.net, out->word[m], weight};
    out->fusion.count++;
out:
    return err;
}

ting_err ting_fuse_open(const ting_am *am, const ting_options *options, ting_fuse *out)
{
    ting_err err = TING_OK;
    *out = (ting_fuse){.fusion = {.vocab = ting_am_vocab(&am->net->config), .bonus = options->fuse_bonus}};
    if (options->fuse_lm != NULL)
        TRY(add_lm(am, options->fuse_lm, options->fuse_weight, out));
    if (options->lodr_lm != NULL && options->lodr_lm->ngram == NULL)
        FAIL(TING_ERR_UNSUPPORTED, "%s: what is taken away is n-grams of a low order; this is a network", options->lodr_lm->file.label);
    if (options->lodr_lm != NULL)
        TRY(add_lm(am, options->lodr_lm, -options->lodr_weight, out));
out:
    return err;
}

void ting_fuse_close(ting_fuse *fuse)
{
    for (int m = 0; m < TING_FUSION_MODELS; m++)
        ting_free(fuse->word[m]);
    *fuse = (ting_fuse){0};
}
