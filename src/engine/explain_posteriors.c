/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_posteriors.c - the head's probabilities in each row around a sentence: of a transducer after the tokens that its best
 * hypothesis has said by then, of CTC as they are; see explain.h.
 */
#include "engine/explain.h"

#include "decode/ctc_row.h"
#include "decode/predictor_cache.h" /* how a context goes on */
#include "engine/decoder.h"

#include <math.h>
#include <string.h>

enum { TOKENS_MOST = 40 };
static const double margin = 0.4; /* seconds before and behind a sentence */
static const float likely = 0.1f; /* a token that is likelier than this somewhere is shown */

typedef struct picked { /* a token that is shown */
    int token, at;      /* row in which it is likeliest */
    float most;
    bool said;
} picked;

static int row_of(const ting_explained *e, const ting_hit *hit)
{
    return (int)lround(hit->start / e->row_seconds);
}

/* Rows first .. first + count - 1 as log-probabilities [count, vocab] in the context's arena. */
static ting_err ask_transducer(const ting_explained *e, ting_ctx *ctx, int sentence, int first, int count, ting_tensor *out)
{
    ting_err err = TING_OK;
    const ting_transducer *model = e->model->hearing.am.net->transducer;
    const ting_transducer_config *config = ting_transducer_settings(model);
    const ting_tensor rows = {.data = e->rows + (size_t)first * (size_t)e->dim, .rows = count, .cols = e->dim, .ld = e->dim};
    const ting_tensor heard = ting_transducer_project_encoder(ctx, model, rows);
    int context[TING_TRANSDUCER_MAX_CONTEXT];
    int s = 0, hit = 0; /* the next token that was said */
    *out = ting_ctx_constant(ctx, count, config->vocab);
    ting_predictor_start(model, config->blank, context);
    TRY(ctx->err);
    for (int r = 0; r < count; r++) {
        const ting_arena_mark mark = ting_arena_tell(ctx->arena);
        while (s <= sentence && (hit == e->sentences[s].hit_count || row_of(e, &e->sentences[s].hits[hit]) < first + r)) {
            if (hit == e->sentences[s].hit_count) {
                s++;
                hit = 0;
            } else {
                ting_predictor_push(model, e->sentences[s].hits[hit++].token, context);
            }
        }
        const ting_tensor said = ting_transducer_contexts(ctx, model, context, 1);
        const ting_tensor logits = ting_transducer_join(ctx, model, ting_rows(heard, r, 1), said);
        TRY(ctx->err);
        ctx->kern->log_softmax(config->vocab, logits.data, ting_row(*out, r));
        ting_arena_rewind(ctx->arena, mark);
    }
out:
    return err;
}

static ting_err ask_ctc(const ting_explained *e, ting_ctx *ctx, int first, int count, ting_tensor *out)
{
    ting_err err = TING_OK;
    const ting_am_net *net = e->model->hearing.am.net;
    const int vocab = ting_am_vocab(&net->config);
    const ting_tensor rows = {.data = e->rows + (size_t)first * (size_t)e->dim, .rows = count, .cols = e->dim, .ld = e->dim};
    *out = ting_ctc_head_logits(ctx, &net->ctc, rows);
    TRY(ctx->err);
    for (int r = 0; r < count; r++)
        ting_ctc_row(ctx, *out, r, vocab, ting_am_blank(&net->config), 0, ting_row(*out, r));
out:
    return err;
}

/* Whether `a` is shown rather than `b`, where not all can be. */
static bool before(const picked *a, const picked *b)
{
    return a->said != b->said ? a->said : a->most > b->most;
}

/* The tokens that are shown, in the order in which they are likeliest; returns how many, and how many more would be likely enough. */
static int pick(const ting_explained_sentence *s, ting_tensor log_probs, int blank, picked out[TOKENS_MOST], int *left_out)
{
    int count = 0, found = 0;
    for (int v = 0; v < log_probs.cols; v++) {
        picked p = {.token = v};
        for (int r = 0; r < log_probs.rows; r++) {
            const float here = expf((float)ting_row(log_probs, r)[v]);
            if (here > p.most) {
                p.most = here;
                p.at = r;
            }
        }
        for (int h = 0; h < s->hit_count && !p.said; h++)
            p.said = s->hits[h].token == v;
        if (v == blank || (!p.said && p.most < likely))
            continue;
        found++;
        if (count == TOKENS_MOST && !before(&p, &out[count - 1]))
            continue;
        int at = count < TOKENS_MOST ? count++ : count - 1;
        for (; at > 0 && before(&p, &out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = p;
    }
    for (int i = 1; i < count; i++) { /* by time */
        const picked p = out[i];
        int at = i;
        for (; at > 0 && out[at - 1].at > p.at; at--)
            out[at] = out[at - 1];
        out[at] = p;
    }
    *left_out = found - count;
    return count;
}

static ting_err copy(ting_explained *e, ting_tensor log_probs, int blank, const picked *shown, ting_posteriors *out)
{
    const size_t rows = (size_t)log_probs.rows;
    int *tokens = ting_arena_take(e->arena, (size_t)out->token_count * sizeof *tokens);
    float *values = ting_arena_take(e->arena, (size_t)out->token_count * rows * sizeof *values);
    float *blanks = ting_arena_take(e->arena, rows * sizeof *blanks);
    if (ting_arena_failed(e->arena))
        return ting_fail(TING_ERR_MEMORY, "out of memory for an explanation");
    for (size_t r = 0; r < rows; r++)
        blanks[r] = expf((float)ting_row(log_probs, (int)r)[blank]);
    for (int i = 0; i < out->token_count; i++) {
        tokens[i] = shown[i].token;
        for (size_t r = 0; r < rows; r++)
            values[(size_t)i * rows + r] = expf((float)ting_row(log_probs, (int)r)[shown[i].token]);
    }
    out->tokens = tokens;
    out->values = values;
    out->blank = blanks;
    return TING_OK;
}

ting_err ting_explain_posteriors(ting_explained *e, int sentence, ting_posteriors *out)
{
    ting_err err = TING_OK;
    picked shown[TOKENS_MOST];
    const ting_explained_sentence *s = &e->sentences[sentence];
    const ting_am_net *net = e->model->hearing.am.net;
    const int blank = ting_am_blank(&net->config);
    const bool ctc = ting_decoder_takes_ctc(net, &e->options);
    const int first = (int)fmax(0, (s->sentence->start - margin) / e->row_seconds);
    const int end = (int)fmin(e->row_count, ceil((s->sentence->end + margin) / e->row_seconds));
    ting_tensor log_probs;
    ting_ctx ctx = {.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(ting_cpu_detect())};
    *out = (ting_posteriors){.first = first, .count = end - first, .head = ctc ? "CTC head" : "transducer"};
    if (ctx.arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an explanation");
    if (ctc)
        TRY(ask_ctc(e, &ctx, first, end - first, &log_probs));
    else
        TRY(ask_transducer(e, &ctx, sentence, first, end - first, &log_probs));
    out->token_count = pick(s, log_probs, blank, shown, &out->left_out);
    TRY(copy(e, log_probs, blank, shown, out));
out:
    ting_arena_free(ctx.arena);
    return err;
}
