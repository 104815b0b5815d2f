/* SPDX-License-Identifier: Apache-2.0 */
/* am_measure.c - what is held out, decoded greedily, against its tokens; see am_task.h. */
#include "train/am_task.h"

#include "base/mem.h"
#include "base/str.h"
#include "decode/transducer_greedy.h"
#include "text/align.h"

enum { SHOWN = 2, KEPT = 8 }; /* sentences in the log; samples for the page */

typedef struct heard { /* tokens of one utterance, grows */
    int *ids;
    size_t count, room;
} heard;

static ting_err add_token(heard *h, int token)
{
    ting_err err = ting_reserve(&h->ids, h->count, 1, &h->room, sizeof *h->ids);
    if (err == TING_OK)
        h->ids[h->count++] = token;
    return err;
}

/* The best token of each row, repeats merged, blanks dropped. */
static ting_err decode_ctc(const ting_am_task *t, ting_ctx *ctx, ting_tensor rows, heard *out)
{
    ting_err err = TING_OK;
    int before = -1;
    ting_tensor logits = ting_ctc_head_logits(ctx, &t->net->ctc, rows);
    TRY(ctx->err);
    for (int r = 0; r < logits.rows; r++) {
        const ting_real *row = ting_row(logits, r);
        int best = 0;
        for (int c = 1; c < logits.cols; c++)
            best = row[c] > row[best] ? c : best;
        if (best != before && best != ting_am_blank(&t->net->config))
            TRY(add_token(out, best));
        before = best;
    }
out:
    return err;
}

static ting_err decode_transducer(ting_greedy *greedy, ting_ctx *ctx, ting_tensor rows, heard *out)
{
    ting_err err = TING_OK;
    ting_greedy_reset(greedy);
    TRY(ting_greedy_accept(greedy, ctx, rows));
    const ting_decoded result = ting_greedy_result(greedy);
    for (int i = 0; i < result.count; i++)
        TRY(add_token(out, result.emissions[i].token));
out:
    return err;
}

/* Rows of one utterance, in the chunks that the network will stream in, if it does. */
static ting_err encode(const ting_am_task *t, ting_ctx *ctx, const ting_sound *sound, ting_tensor *rows)
{
    ting_err err = TING_OK;
    float *values = NULL;
    size_t frames = 0;
    const ting_encoder_config *config = &t->net->config.encoder;
    const int dim = ting_feature_dim(&t->recipe->features);
    *rows = (ting_tensor){0};
    TRY(ting_feature_compute(&t->recipe->features, &t->cmvn, sound->samples, sound->count, &values, &frames));
    if (ting_encoder_rows(config, (int)frames) < 1)
        goto out;
    const ting_encoder_mode mode =
        ting_encoder_streams(config) ? ting_encoder_stream_mode(config) : (ting_encoder_mode){0};
    const int in[2] = {0, (int)frames};
    int starts[2];
    *rows = ting_encoder_forward(ctx, t->net->encoder,
                                 (ting_tensor){.data = values, .rows = (int)frames, .cols = dim, .ld = dim},
                                 (ting_segments){1, in}, &mode, starts);
    err = ctx->err;
out:
    ting_free(values);
    return err;
}

static void add_tokens(const ting_am_task *t, const int *ids, size_t count, ting_str *out)
{
    for (size_t i = 0; i < count; i++)
        ting_str_addf(out, " %s", t->tokens.items[ids[i]]);
}

/* A line for the page, in the order in which they come. */
static void keep(ting_am_task *t, const ting_speech_item *item, const int *said, const heard *h)
{
    ting_str_addf(&t->samples, "%s\t", item->clip->id);
    add_tokens(t, said, item->label_count, &t->samples);
    ting_str_add(&t->samples, "\t");
    add_tokens(t, h->ids, h->count, &t->samples);
    ting_str_add(&t->samples, "\n");
}

static void show(const ting_am_task *t, const ting_speech_item *item, const int *said, const heard *h)
{
    ting_str text = {0};
    ting_str_addf(&text, "%s said:", item->clip->id);
    add_tokens(t, said, item->label_count, &text);
    ting_str_addf(&text, " | heard:");
    add_tokens(t, h->ids, h->count, &text);
    if (ting_str_ok(&text))
        ting_log_write(t->log, TING_LOG_INFO, "%s", text.text);
    ting_str_free(&text);
}

typedef struct counts {
    size_t errors, tokens;
} counts;

static ting_err measure_item(ting_am_task *t, ting_ctx *ctx, ting_greedy *greedy, size_t at, ting_sound *sound,
                             heard *h, ting_alignment *alignment, counts *c)
{
    ting_err err = TING_OK;
    size_t count;
    ting_tensor rows;
    const ting_speech_item *item = &ting_speech_items(t->held, &count)[at];
    const int *said = ting_speech_labels(t->held) + item->label;
    h->count = 0;
    ting_arena_reset(ctx->arena);
    TRY(ting_speech_load(t->held, at, sound));
    TRY(encode(t, ctx, sound, &rows));
    if (rows.rows > 0)
        TRY(greedy != NULL ? decode_transducer(greedy, ctx, rows, h) : decode_ctc(t, ctx, rows, h));
    TRY(ting_align((ting_sequence){.units = said, .count = (int)item->label_count},
                   (ting_sequence){.units = h->ids, .count = (int)h->count}, alignment));
    c->errors += (size_t)(alignment->substitutions + alignment->deletions + alignment->insertions);
    c->tokens += item->label_count;
    if (at < SHOWN)
        show(t, item, said, h);
    if (at < KEPT)
        keep(t, item, said, h);
out:
    return err;
}

ting_err ting_am_measure(ting_am_task *t, ting_ctx *ctx, double *errors)
{
    ting_err err = TING_OK;
    ting_greedy *greedy = NULL;
    ting_sound sound = {0};
    heard h = {0};
    ting_alignment alignment = {0};
    counts c = {0};
    size_t count = 0;
    *errors = -1;
    ting_str_clear(&t->samples);
    if (t->held == NULL)
        return TING_OK;
    if (t->net->transducer != NULL && (t->recipe->loss.transducer > 0 || t->recipe->loss.posteriors > 0))
        TRY(ting_greedy_new(t->net->transducer, &(ting_greedy_options){0}, &greedy));
    ting_speech_items(t->held, &count);
    if (t->recipe->measure_utterances > 0 && (size_t)t->recipe->measure_utterances < count)
        count = (size_t)t->recipe->measure_utterances;
    for (size_t i = 0; i < count; i++) {
        if (ting_watch_stop(t->watch))
            goto out;
        err = measure_item(t, ctx, greedy, i, &sound, &h, &alignment, &c);
        if (err == TING_ERR_IO || err == TING_ERR_FORMAT) { /* a bad file does not stop the others */
            ting_log_write(t->log, TING_LOG_WARNING, "not measured: %s", ting_error_message());
            err = TING_OK;
        }
        TRY(err);
    }
    if (c.tokens > 0)
        *errors = (double)c.errors / (double)c.tokens;
out:
    ting_greedy_free(greedy);
    ting_sound_free(&sound);
    ting_free(h.ids);
    ting_alignment_free(&alignment);
    return err;
}
