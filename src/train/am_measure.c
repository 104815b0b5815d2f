/* SPDX-License-Identifier: Apache-2.0 */
/* am_measure.c - what is held out, decoded greedily, against its tokens; see am_task.h. */
#include "train/am_task.h"

#include "base/mem.h"
#include "base/str.h"
#include "decode/ctc_greedy.h"
#include "decode/transducer_greedy.h"
#include "text/align.h"

enum { SHOWN = 2, KEPT = 8 }; /* sentences in the log; samples for the page */

typedef struct search { /* of the head that is trained, or the only one: the other is NULL */
    ting_greedy *transducer;
    ting_ctc_greedy *ctc;
} search;

static ting_err make_search(const ting_am_task *t, search *out)
{
    const ting_am_loss *l = &t->recipe->loss;
    const ting_ctc_config *head = &t->net->config.ctc;
    if (t->net->transducer != NULL && (l->transducer > 0 || l->posteriors > 0 || head->vocab == 0))
        return ting_greedy_new(t->net->transducer, &(ting_greedy_options){0}, &out->transducer);
    return ting_ctc_greedy_new(&(ting_ctc_greedy_options){.vocab = head->vocab, .blank = head->blank}, &out->ctc);
}

/* Borrows from the search. */
static ting_err decode(const search *s, const ting_am_task *t, ting_ctx *ctx, ting_tensor rows, ting_decoded *out)
{
    ting_err err = TING_OK;
    if (s->transducer != NULL) {
        ting_greedy_reset(s->transducer);
        TRY(ting_greedy_accept(s->transducer, ctx, rows));
        *out = ting_greedy_result(s->transducer);
    } else {
        const ting_tensor logits = ting_ctc_head_logits(ctx, &t->net->ctc, rows);
        ting_ctc_greedy_reset(s->ctc);
        TRY(ctx->err);
        TRY(ting_ctc_greedy_accept(s->ctc, ctx, logits));
        *out = ting_ctc_greedy_result(s->ctc);
    }
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

static void add_tokens(const ting_am_task *t, ting_sequence tokens, ting_str *out)
{
    for (int i = 0; i < tokens.count; i++)
        ting_str_addf(out, " %s", t->tokens.items[tokens.units[i]]);
}

/* A line for the page, in the order in which they come. */
static void keep(ting_am_task *t, const char *id, ting_sequence said, ting_sequence heard)
{
    ting_str_addf(&t->samples, "%s\t", id);
    add_tokens(t, said, &t->samples);
    ting_str_add(&t->samples, "\t");
    add_tokens(t, heard, &t->samples);
    ting_str_add(&t->samples, "\n");
}

static void show(const ting_am_task *t, const char *id, ting_sequence said, ting_sequence heard)
{
    ting_str text = {0};
    ting_str_addf(&text, "%s said:", id);
    add_tokens(t, said, &text);
    ting_str_addf(&text, " | heard:");
    add_tokens(t, heard, &text);
    if (ting_str_ok(&text))
        ting_log_write(t->log, TING_LOG_INFO, "%s", text.text);
    ting_str_free(&text);
}

typedef struct counts {
    size_t errors, tokens;
} counts;

static ting_err measure_item(ting_am_task *t, ting_ctx *ctx, const search *find, size_t at, ting_sound *sound,
                             ting_alignment *alignment, counts *c)
{
    ting_err err = TING_OK;
    size_t count;
    ting_tensor rows;
    ting_decoded result = {0};
    const ting_speech_item *item = &ting_speech_items(t->held, &count)[at];
    ting_arena_reset(ctx->arena);
    TRY(ting_speech_load(t->held, at, sound));
    TRY(encode(t, ctx, sound, &rows));
    if (rows.rows > 0)
        TRY(decode(find, t, ctx, rows, &result));
    int *ids = ting_ctx_ints(ctx, result.count);
    TRY(ctx->err);
    for (int i = 0; i < result.count; i++)
        ids[i] = result.emissions[i].token;
    const ting_sequence said = {.units = ting_speech_labels(t->held) + item->label, .count = (int)item->label_count};
    const ting_sequence heard = {.units = ids, .count = result.count};
    TRY(ting_align(said, heard, alignment));
    c->errors += (size_t)(alignment->substitutions + alignment->deletions + alignment->insertions);
    c->tokens += item->label_count;
    if (at < SHOWN)
        show(t, item->clip->id, said, heard);
    if (at < KEPT)
        keep(t, item->clip->id, said, heard);
out:
    return err;
}

ting_err ting_am_measure(ting_am_task *t, ting_ctx *ctx, double *errors)
{
    ting_err err = TING_OK;
    search find = {0};
    ting_sound sound = {0};
    ting_alignment alignment = {0};
    counts c = {0};
    size_t count = 0;
    *errors = -1;
    ting_str_clear(&t->samples);
    if (t->held == NULL)
        return TING_OK;
    TRY(make_search(t, &find));
    ting_speech_items(t->held, &count);
    if (t->recipe->measure_utterances > 0 && (size_t)t->recipe->measure_utterances < count)
        count = (size_t)t->recipe->measure_utterances;
    for (size_t i = 0; i < count; i++) {
        if (ting_watch_stop(t->watch))
            goto out;
        err = measure_item(t, ctx, &find, i, &sound, &alignment, &c);
        if (err == TING_ERR_IO || err == TING_ERR_FORMAT) { /* a bad file does not stop the others */
            ting_log_write(t->log, TING_LOG_WARNING, "not measured: %s", ting_error_message());
            err = TING_OK;
        }
        TRY(err);
    }
    if (c.tokens > 0)
        *errors = (double)c.errors / (double)c.tokens;
out:
    ting_greedy_free(find.transducer);
    ting_ctc_greedy_free(find.ctc);
    ting_sound_free(&sound);
    ting_alignment_free(&alignment);
    return err;
}
