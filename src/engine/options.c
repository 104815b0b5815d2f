/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h, and tingxie.h for each field. */
#include "engine/options.h"

#include "base/cpu.h"

#include <string.h>

static const ting_options option_defaults = {
    .decoding = TING_DECODING_BEAM, .beam = 8, .nbest = 1, .alternatives = 4, .hanzi = 1, .constrained = 1,
    .pause = 0.8, .longest = 30, .keyword_threshold = 0.25, .keyword_boost = 1, .ctc_weight = 0.5, .reverse_weight = 0.3,
    .fuse_weight = 0.3, .fuse_bonus = 0.5, .lodr_weight = 0.1};

static const ting_model_options model_option_defaults = {.precision = TING_PRECISION_F32, .hanzi = 1, .lm_weight = 0.9,
                                                        .rescore_weight = 0.5, .rescore_lines = 16};

static const ting_explain_options explain_option_defaults = {.sound = 1};
static const ting_lm_reader_options lm_reader_option_defaults = {.cache_words = 500};

/* The first `size` bytes of the defaults; the caller's struct may be shorter or longer than ours. */
static void fill(void *out, size_t size, const void *defaults, size_t own)
{
    memset(out, 0, size);
    memcpy(out, defaults, size < own ? size : own);
    memcpy(out, &size, sizeof size); /* the first field */
}

void ting_options_defaults(ting_options *options, size_t size)
{
    fill(options, size, &option_defaults, sizeof option_defaults);
}

void ting_model_options_defaults(ting_model_options *options, size_t size)
{
    fill(options, size, &model_option_defaults, sizeof model_option_defaults);
}

void ting_explain_options_defaults(ting_explain_options *options, size_t size)
{
    fill(options, size, &explain_option_defaults, sizeof explain_option_defaults);
}

void ting_lm_reader_options_defaults(ting_lm_reader_options *options, size_t size)
{
    fill(options, size, &lm_reader_option_defaults, sizeof lm_reader_option_defaults);
}

static ting_err take(const void *from, const char *type, const void *defaults, void *out, size_t own)
{
    ting_err err = TING_OK;
    size_t size = own;
    if (from != NULL)
        memcpy(&size, from, sizeof size);
    if (size < sizeof size || size > 4096)
        FAIL(TING_ERR_ARGUMENT, "%s.size is %zu: fill the struct with %s_defaults first", type, size, type);
    memcpy(out, defaults, own);
    if (from != NULL)
        memcpy(out, from, size < own ? size : own);
    memcpy(out, &own, sizeof own);
out:
    return err;
}

static ting_err whole(const char *name, int value, int least, int most)
{
    if (value >= least && value <= most)
        return TING_OK;
    return ting_fail(TING_ERR_ARGUMENT, "options.%s is %d: %d to %d", name, value, least, most);
}

static ting_err real(const char *name, double value, double least, double most)
{
    if (value >= least && value <= most)
        return TING_OK;
    return ting_fail(TING_ERR_ARGUMENT, "options.%s is %g: %g to %g", name, value, least, most);
}

ting_err ting_options_take(const ting_options *options, ting_options *out)
{
    ting_err err = TING_OK;
    TRY(take(options, "ting_options", &option_defaults, out, sizeof *out));
    TRY(whole("hanzi", out->hanzi, 0, 2));
    TRY(whole("threads", out->threads, 0, TING_MOST_THREADS));
    TRY(whole("decoding", (int)out->decoding, TING_DECODING_GREEDY, TING_DECODING_RESCORE));
    TRY(whole("beam", out->beam, 1, 64));
    TRY(real("blank_penalty", out->blank_penalty, -5, 5));
    TRY(whole("nbest", out->nbest, 1, 64));
    TRY(whole("alternatives", out->alternatives, 0, 16));
    TRY(whole("channel", out->channel, 0, 1024));
    TRY(whole("whole", out->whole, 0, 1));
    TRY(whole("constrained", out->constrained, 0, 1));
    TRY(whole("keep_partial", out->keep_partial, 0, 1));
    TRY(whole("pronunciation", out->pronunciation, 0, 1));
    TRY(real("pause", out->pause, 0.2, 3600));
    TRY(real("longest", out->longest, 5, 120));
    TRY(real("keyword_threshold", out->keyword_threshold, 0, 1));
    TRY(real("keyword_boost", out->keyword_boost, 0, 10));
    TRY(real("ctc_weight", out->ctc_weight, 0, 100));
    TRY(real("reverse_weight", out->reverse_weight, 0, 1));
    TRY(whole("head", (int)out->head, TING_HEAD_AUTO, TING_HEAD_CTC));
    if (out->skip_blank != 0)
        TRY(real("skip_blank", out->skip_blank, 0.9, 1));
    TRY(real("fuse_weight", out->fuse_weight, 0, 10));
    TRY(real("fuse_bonus", out->fuse_bonus, -10, 10));
    TRY(real("lodr_weight", out->lodr_weight, 0, 10));
    if (out->nbest > 1 && out->decoding != TING_DECODING_RESCORE)
        out->decoding = TING_DECODING_BEAM;
    if (out->fuse_lm == NULL && out->lodr_lm != NULL)
        FAIL(TING_ERR_ARGUMENT, "options.lodr_lm is taken away from fuse_lm, but there is none");
    if (out->fuse_lm != NULL && out->decoding == TING_DECODING_GREEDY)
        FAIL(TING_ERR_ARGUMENT, "options.fuse_lm weighs what a beam holds, but decoding is GREEDY");
    if (out->head == TING_HEAD_TRANSDUCER && out->decoding == TING_DECODING_RESCORE)
        FAIL(TING_ERR_ARGUMENT, "options.head is TRANSDUCER: RESCORE ranks what the CTC head finds");
out:
    return err;
}

ting_err ting_model_options_take(const ting_model_options *options, ting_model_options *out)
{
    ting_err err = TING_OK;
    TRY(take(options, "ting_model_options", &model_option_defaults, out, sizeof *out));
    TRY(whole("hanzi", out->hanzi, 0, 2));
    TRY(whole("precision", (int)out->precision, TING_PRECISION_F32, TING_PRECISION_INT8));
out:
    return err;
}

ting_err ting_explain_options_take(const ting_explain_options *options, ting_explain_options *out)
{
    ting_err err = TING_OK;
    TRY(take(options, "ting_explain_options", &explain_option_defaults, out, sizeof *out));
    TRY(whole("sound", out->sound, 0, 1));
    TRY(real("begin", out->begin, 0, 1e9));
    TRY(real("end", out->end, 0, 1e9));
out:
    return err;
}

ting_err ting_lm_reader_options_take(const ting_lm_reader_options *options, ting_lm_reader_options *out)
{
    ting_err err = TING_OK;
    TRY(take(options, "ting_lm_reader_options", &lm_reader_option_defaults, out, sizeof *out));
    TRY(whole("threads", out->threads, 0, 1024));
    TRY(real("cache", out->cache, 0, 0.999));
    TRY(real("cache_words", out->cache_words, 1, 1e9));
out:
    return err;
}

int ting_options_width(const ting_options *options)
{
    /* without a network that chooses, greedy search has one to give */
    return options->decoding != TING_DECODING_GREEDY || options->hanzi != 0 ? options->beam : 1;
}
