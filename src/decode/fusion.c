/* SPDX-License-Identifier: Apache-2.0 */
/* fusion.c - see fusion.h. */
#include "decode/fusion.h"

#include "base/mem.h"

#include <math.h>

typedef struct voice { /* one model's memory, place by place */
    ting_ngram_state *ngram;   /* [places] */
    unsigned char *net;        /* [places, net_bytes] */
    size_t net_bytes;
    ting_real *said;           /* [places, words]: log p of each word, of a network */
    int words;
} voice;

struct ting_fuser {
    const ting_fusion *fusion;
    int places; /* TING_FUSION_BEGIN, and for each sequence one that it had and one that it gets */
    voice voices[TING_FUSION_MODELS];
    double *gains; /* [places, vocab + 1]: of each token, then of the end; NAN: not asked yet */
    bool *taken;   /* [places] by the sequences that live */
    bool *goes_on; /* [places] of those that are kept */
    int *from, *to, *tokens; /* [places] of sequences that got a token: its place before and behind it */
    void **states;           /* [places] of a network, for those */
    int *ids;                /* [places] the word of each */
};

static double *gains_of(const ting_fuser *f, int place)
{
    return f->gains + (size_t)place * ((size_t)f->fusion->vocab + 1);
}

static void *net_state(const voice *v, int place)
{
    return v->net + (size_t)place * v->net_bytes;
}

static ting_real *said_at(const voice *v, int place)
{
    return v->said + (size_t)place * (size_t)v->words;
}

/* ---- states ---- */

/* The network's states at places [count] take a word each; what it then says of all words. */
static void step_net(ting_fuser *f, ting_ctx *ctx, int m, const int *places, int count)
{
    const ting_lm_net *net = f->fusion->lms[m].net;
    const voice *v = &f->voices[m];
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    for (int i = 0; i < count; i++)
        f->states[i] = net_state(v, places[i]);
    const ting_tensor hidden = ting_lm_net_step(ctx, net, f->ids, f->states, count);
    const ting_tensor logits = ctx->err == TING_OK ? ting_lm_net_logits(ctx, net, hidden) : (ting_tensor){0};
    for (int i = 0; i < count && ctx->err == TING_OK; i++) {
        ctx->kern->log_softmax(v->words, ting_row(logits, i), said_at(v, places[i]));
        if (isnan((double)said_at(v, places[i])[TING_NGRAM_END]))
            ting_ctx_fail(ctx, TING_ERR_NUMERIC, "the scores of the language model are not numbers");
    }
    if (ctx->err == TING_OK)
        ting_arena_rewind(ctx->arena, mark);
}

/* A network that has a longest context and has filled it begins anew. */
static int state_before(const ting_lm_net *net, const voice *v, int from)
{
    const ting_lm_config *c = ting_lm_net_config(net);
    const bool full = c->kind == TING_LM_GPT && ting_lm_net_state_tokens(net_state(v, from)) >= c->context;
    return full ? TING_FUSION_BEGIN : from;
}

static void follow(ting_fuser *f, ting_ctx *ctx, int m, int count)
{
    const ting_fusion_lm *lm = &f->fusion->lms[m];
    voice *v = &f->voices[m];
    for (int i = 0; i < count; i++) {
        const uint32_t word = lm->word[f->tokens[i]];
        f->ids[i] = (int)word;
        if (lm->ngram != NULL)
            ting_ngram_score(lm->ngram, &v->ngram[f->from[i]], word, &v->ngram[f->to[i]]);
        else
            ting_lm_net_state_copy(lm->net, net_state(v, f->to[i]), net_state(v, state_before(lm->net, v, f->from[i])));
    }
    if (lm->net != NULL && count > 0)
        step_net(f, ctx, m, f->to, count);
}

ting_err ting_fuser_keep(ting_fuser *f, ting_ctx *ctx, const ting_fusion_kept *kept, int count)
{
    int added = 0, free_place = TING_FUSION_BEGIN + 1;
    for (int p = 0; p < f->places; p++)
        f->goes_on[p] = false;
    for (int i = 0; i < count; i++) {
        if (kept[i].token < 0) {
            f->goes_on[*kept[i].place] = true;
            continue;
        }
        while (f->taken[free_place])
            free_place++;
        f->from[added] = *kept[i].place;
        f->tokens[added] = kept[i].token;
        f->to[added++] = *kept[i].place = free_place;
        f->goes_on[free_place] = true;
        for (int token = 0; token <= f->fusion->vocab; token++)
            gains_of(f, free_place)[token] = NAN;
        free_place++;
    }
    for (int m = 0; m < f->fusion->count; m++)
        follow(f, ctx, m, added);
    for (int p = TING_FUSION_BEGIN + 1; p < f->places; p++)
        f->taken[p] = f->goes_on[p];
    return ctx->err;
}

/* ---- gains ---- */

static double said_of(const ting_fuser *f, int m, int place, uint32_t word)
{
    ting_ngram_state after;
    const ting_fusion_lm *lm = &f->fusion->lms[m];
    const voice *v = &f->voices[m];
    return lm->ngram != NULL ? ting_ngram_score(lm->ngram, &v->ngram[place], word, &after) : (double)said_at(v, place)[word];
}

double ting_fuser_gain(ting_fuser *f, int place, int token)
{
    if (f == NULL)
        return 0;
    double *gain = &gains_of(f, place)[token];
    if (!isnan(*gain))
        return *gain;
    *gain = f->fusion->bonus;
    for (int m = 0; m < f->fusion->count; m++) {
        const ting_fusion_lm *lm = &f->fusion->lms[m];
        const uint32_t word = lm->word[token];
        if (lm->weight < 0 && word == TING_NGRAM_UNKNOWN) /* of a token that it does not know it has nothing to take back */
            continue;
        *gain += lm->weight * said_of(f, m, place, word);
    }
    return *gain;
}

double ting_fuser_end(ting_fuser *f, int place)
{
    if (f == NULL)
        return 0;
    double *gain = &gains_of(f, place)[f->fusion->vocab];
    if (!isnan(*gain))
        return *gain;
    *gain = 0;
    for (int m = 0; m < f->fusion->count; m++)
        *gain += f->fusion->lms[m].weight * said_of(f, m, place, TING_NGRAM_END);
    return *gain;
}

/* ---- begin and end ---- */

static ting_err open_voice(ting_fuser *f, ting_ctx *ctx, int m)
{
    const ting_fusion_lm *lm = &f->fusion->lms[m];
    voice *v = &f->voices[m];
    const size_t places = (size_t)f->places;
    if (lm->ngram != NULL) {
        v->ngram = ting_alloc(places, sizeof *v->ngram);
        if (v->ngram == NULL)
            return TING_ERR_MEMORY;
        v->ngram[TING_FUSION_BEGIN] = ting_ngram_begin(lm->ngram);
        return TING_OK;
    }
    v->words = ting_lm_net_config(lm->net)->tokens;
    v->net_bytes = ting_lm_net_state_bytes(lm->net);
    v->net = ting_alloc(places, v->net_bytes);
    v->said = ting_alloc(places * (size_t)v->words, sizeof *v->said);
    if (v->net == NULL || v->said == NULL)
        return TING_ERR_MEMORY;
    ting_lm_net_state_start(lm->net, net_state(v, TING_FUSION_BEGIN));
    f->ids[0] = TING_NGRAM_BEGIN;
    step_net(f, ctx, m, &(int){TING_FUSION_BEGIN}, 1);
    return ctx->err;
}

ting_err ting_fuser_new(const ting_fusion *fusion, int most, ting_fuser **out)
{
    ting_err err = TING_OK;
    ting_ctx ctx = {.arena = ting_arena_new((size_t)1 << 16), .kern = ting_kern_select(ting_cpu_detect())};
    *out = NULL;
    ting_fuser *f = ting_alloc(1, sizeof *f);
    TRY(f != NULL && ctx.arena != NULL ? TING_OK : TING_ERR_MEMORY);
    const size_t places = 1 + 2 * (size_t)most, gains = (size_t)fusion->vocab + 1;
    f->fusion = fusion;
    f->places = (int)places;
    f->gains = ting_alloc(places * gains, sizeof *f->gains);
    f->taken = ting_alloc(places, sizeof *f->taken);
    f->goes_on = ting_alloc(places, sizeof *f->goes_on);
    f->from = ting_alloc(places, sizeof *f->from);
    f->to = ting_alloc(places, sizeof *f->to);
    f->tokens = ting_alloc(places, sizeof *f->tokens);
    f->states = ting_alloc(places, sizeof *f->states);
    f->ids = ting_alloc(places, sizeof *f->ids);
    if (f->gains == NULL || f->taken == NULL || f->goes_on == NULL || f->from == NULL || f->to == NULL || f->tokens == NULL ||
        f->states == NULL || f->ids == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (int m = 0; m < fusion->count; m++)
        TRY(open_voice(f, &ctx, m));
    for (size_t i = 0; i < gains; i++)
        gains_of(f, TING_FUSION_BEGIN)[i] = NAN;
    *out = f;
    f = NULL;
out:
    ting_fuser_free(f);
    ting_arena_free(ctx.arena);
    return err;
}

void ting_fuser_free(ting_fuser *f)
{
    if (f == NULL)
        return;
    for (int m = 0; m < TING_FUSION_MODELS; m++) {
        ting_free(f->voices[m].ngram);
        ting_free(f->voices[m].net);
        ting_free(f->voices[m].said);
    }
    ting_free(f->gains);
    ting_free(f->taken);
    ting_free(f->goes_on);
    ting_free(f->from);
    ting_free(f->to);
    ting_free(f->tokens);
    ting_free(f->states);
    ting_free(f->ids);
    ting_free(f);
}
