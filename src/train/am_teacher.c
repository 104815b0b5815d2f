/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_teacher.c - see am_teacher.h. A teacher that streams hears all utterances of a batch as streams side by side, as many
 * chunks each as the longest needs; what follows a shorter one's end is silence.
 */
#include "train/am_teacher.h"

#include "base/file.h"
#include "base/mem.h"
#include "decode/predictor_cache.h"
#include "engine/am.h"

#include <string.h>

enum { BLOCK = 16 << 20 };

struct ting_am_teacher {
    ting_am am;
    ting_arena *arena;
    ting_encoder_state **states; /* [state_count], made as they are needed */
    size_t state_count, state_room;
    int *pupil; /* [teacher's tokens] the pupil's, -1: none; NULL: not agreed */
    int pupil_tokens;
    bool shows, inner; /* hints, and the one inside the subsampling too */
};

ting_err ting_am_teacher_open(const char *path, ting_precision precision, ting_am_teacher **out)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    *out = NULL;
    ting_am_teacher *t = ting_alloc(1, sizeof *t);
    if (t == NULL)
        return TING_ERR_MEMORY;
    t->arena = ting_arena_new(BLOCK);
    if (t->arena == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a teacher");
    if (ting_file_is_folder(path)) {
        TRY(ting_am_open_folder(path, precision, &t->am));
    } else {
        TRY(ting_gguf_open(path, &file));
        TRY(ting_am_open(&file, precision, &t->am));
    }
    if (t->am.net->transducer == NULL)
        FAIL(TING_ERR_MODEL, "%s: a teacher must have a transducer", path);
    *out = t;
    t = NULL;
out:
    ting_gguf_close(&file);
    ting_am_teacher_free(t);
    return err;
}

void ting_am_teacher_free(ting_am_teacher *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->state_count; i++)
        ting_encoder_state_free(t->states[i]);
    ting_free(t->states);
    ting_free(t->pupil);
    ting_am_free(&t->am);
    ting_arena_free(t->arena);
    ting_free(t);
}

const ting_feature_config *ting_am_teacher_features(const ting_am_teacher *teacher)
{
    return &teacher->am.features;
}

int ting_am_teacher_width(const ting_am_teacher *teacher)
{
    return ting_transducer_settings(teacher->am.net->transducer)->joiner_dim;
}

ting_err ting_am_teacher_hears(const ting_am_teacher *t, const ting_encoder_config *pupil, const ting_cmvn *cmvn)
{
    const int own = ting_encoder_step(&t->am.net->config.encoder), its = ting_encoder_step(pupil);
    if (own != its)
        return ting_fail(TING_ERR_MODEL, "the teacher has a row for %d frames, the recipe's encoder for %d: expected the same", own,
                         its);
    if (!ting_cmvn_same(&t->am.cmvn, cmvn))
        return ting_fail(TING_ERR_MODEL, "the teacher hears features by another mean and variance than the recipe's `cmvn`");
    return TING_OK;
}

ting_err ting_am_teacher_agree(ting_am_teacher *t, const ting_texts *tokens, int blank, int *shared)
{
    const int count = ting_am_vocab(&t->am.net->config), own_blank = ting_am_blank(&t->am.net->config);
    *shared = 0;
    ting_free(t->pupil);
    t->pupil = ting_alloc((size_t)count, sizeof *t->pupil);
    if (t->pupil == NULL)
        return TING_ERR_MEMORY;
    t->pupil_tokens = (int)tokens->count;
    for (int c = 0; c < count; c++) {
        t->pupil[c] = -1;
        for (size_t i = 0; i < tokens->count && t->pupil[c] < 0; i++)
            if (c != own_blank && (int)i != blank && strcmp(t->am.tokens.items[c], tokens->items[i]) == 0)
                t->pupil[c] = (int)i;
        *shared += t->pupil[c] >= 0;
    }
    t->pupil[own_blank] = blank;
    if (*shared == 0)
        return ting_fail(TING_ERR_MODEL, "the teacher has none of the recipe's %zu tokens", tokens->count);
    return TING_OK;
}

ting_err ting_am_teacher_hints(ting_am_teacher *t, const ting_am_config *pupil)
{
    int own[TING_MOST_HINTS], wanted[TING_MOST_HINTS];
    t->inner = pupil->hints == 0;
    const int count = ting_am_hints_of(&t->am.net->config.encoder, t->inner, own),
              want = ting_am_hints_of(&pupil->encoder, t->inner, wanted);
    if (count == 0 || count != want)
        return ting_fail(TING_ERR_MODEL, "the teacher shows %d hints, the recipe's encoder %d: expected Zipformers with the "
                                         "same number of stacks", count, want);
    for (int i = 0; i < count; i++) {
        const int columns = pupil->hints > 0 ? pupil->hint_dims[i] : wanted[i];
        if (own[i] != columns)
            return ting_fail(TING_ERR_MODEL, "hint %d of the teacher has %d columns, expected %d: %s", i, own[i], columns,
                             pupil->hints > 0 ? "as the recipe's model.hints says"
                                              : "as the recipe's encoder has, which model.hints could map");
    }
    t->shows = true;
    return TING_OK;
}

/* `count` states at the beginning of a stream. */
static ting_err take_states(ting_am_teacher *t, int count)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&t->states, t->state_count, (size_t)count, &t->state_room, sizeof *t->states));
    for (; t->state_count < (size_t)count; t->state_count++)
        TRY(ting_encoder_state_new(t->am.net->encoder, &t->states[t->state_count]));
    for (int i = 0; i < count; i++)
        ting_encoder_state_reset(t->states[i]);
out:
    return err;
}

/* Features of silence: digital silence as the front end shows it is the floor of the logarithm; the quietest value that is
 * there is nearer to what a recording ends with. */
static float quiet_value(const float *values, size_t count)
{
    float least = 0;
    for (size_t i = 0; i < count; i++)
        least = i == 0 || values[i] < least ? values[i] : least;
    return least;
}

/* All utterances at the same length of `frames`, one after the other. */
static ting_tensor pad(ting_ctx *ctx, const ting_speech_batch *batch, int dim, int frames)
{
    const int each = batch->utterances;
    ting_tensor x = ting_ctx_constant(ctx, each * frames, dim);
    if (ctx->err != TING_OK)
        return x;
    for (int u = 0; u < each; u++) {
        const int first = batch->frames.start[u], there = batch->frames.start[u + 1] - first,
                  taken = there < frames ? there : frames;
        const float *values = batch->clean + (size_t)first * (size_t)dim,
                    quiet = quiet_value(values, (size_t)there * (size_t)dim);
        ting_real *to = ting_row(x, u * frames);
        memcpy(to, values, (size_t)taken * (size_t)dim * sizeof *to);
        for (size_t i = (size_t)taken * (size_t)dim; i < (size_t)frames * (size_t)dim; i++)
            to[i] = quiet;
    }
    return x;
}

/* What the streams showed, all as long as the longest, becomes what the utterances show: each the rows that it has. */
static void cut_hints(ting_ctx *ctx, const ting_speech_batch *batch, ting_am_hints *hints)
{
    const int each = batch->utterances;
    int total = 0;
    for (int u = 0; u < each; u++)
        total += ting_zipformer_rows(batch->frames.start[u + 1] - batch->frames.start[u]);
    for (int i = 0; i < hints->count && ctx->err == TING_OK; i++) {
        const ting_tensor shown = hints->value[i];
        ting_tensor own = ting_ctx_constant(ctx, total, shown.cols);
        for (int u = 0, at = 0; u < each && ctx->err == TING_OK; u++) {
            const int rows = ting_zipformer_rows(batch->frames.start[u + 1] - batch->frames.start[u]);
            for (int r = 0; r < rows; r++, at++)
                memcpy(ting_row(own, at), ting_row(shown, u * (shown.rows / each) + r),
                       (size_t)shown.cols * sizeof(ting_real));
        }
        hints->value[i] = own;
    }
}

static ting_tensor hear_streams(ting_am_teacher *t, ting_ctx *ctx, const ting_speech_batch *batch, ting_segments rows)
{
    const ting_encoder_config *config = &t->am.net->config.encoder;
    const int each = batch->utterances, chunk = ting_encoder_chunk_rows(config), dim = ting_encoder_features(config);
    int most = 1;
    for (int u = 0; u < each; u++)
        most = rows.start[u + 1] - rows.start[u] > most ? rows.start[u + 1] - rows.start[u] : most;
    const int chunks = (most + chunk - 1) / chunk;
    const ting_err err = take_states(t, each);
    if (err != TING_OK)
        ting_ctx_fail(ctx, err, "%d streams: %s", each, ting_error_message());
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    const int frames = ting_encoder_frames(t->states[0], chunks);
    int *in = ting_ctx_ints(ctx, each + 1), *out = ting_ctx_ints(ctx, each + 1);
    ting_tensor x = pad(ctx, batch, dim, frames);
    for (int u = 0; u <= each && ctx->err == TING_OK; u++)
        in[u] = u * frames;
    ting_tensor y = ting_encoder_forward(ctx, t->am.net->encoder, x, (ting_segments){each, in},
                                         &(ting_encoder_mode){.states = t->states}, out);
    ting_tensor own = ting_ctx_constant(ctx, rows.start[each], y.cols);
    for (int u = 0; u < each && ctx->err == TING_OK; u++)
        for (int r = rows.start[u]; r < rows.start[u + 1]; r++)
            memcpy(ting_row(own, r), ting_row(y, out[u] + r - rows.start[u]), (size_t)y.cols * sizeof(ting_real));
    return own;
}

static ting_tensor hear_whole(ting_am_teacher *t, ting_ctx *ctx, const ting_speech_batch *batch, ting_segments rows)
{
    const int each = batch->utterances;
    int *starts = ting_ctx_ints(ctx, each + 1);
    ting_tensor x = {.data = batch->clean,
                     .rows = batch->frames.start[each],
                     .cols = ting_encoder_features(&t->am.net->config.encoder)};
    x.ld = x.cols;
    ting_tensor y = ting_encoder_forward(ctx, t->am.net->encoder, x, (ting_segments){each, batch->frames.start},
                                         &(ting_encoder_mode){0}, starts);
    for (int u = 0; u <= each && ctx->err == TING_OK; u++)
        if (starts[u] != rows.start[u])
            ting_ctx_fail(ctx, TING_ERR_MODEL,
                          "%d rows before utterance %d, the pupil has %d: it must have the same subsampling", starts[u],
                          u, rows.start[u]);
    return y;
}

/* ---- what it says ---- */

typedef struct speaker { /* all utterances step by step, row by row */
    ting_segments rows;
    ting_tensor e, d; /* projected: of all rows, and of each utterance's context now */
    int *context;     /* [utterances, context] */
    int *spoken;      /* [rows in all] tokens said by each utterance so far, from its first row's place on */
    int *count;       /* [utterances] of spoken */
    int *active;      /* [utterances] the ones that have this row */
    int *said;        /* [utterances] those that say something at this row */
    int *state;       /* [rows in all] */
} speaker;

/* Copies rows at[i] of `from` under each other. */
static ting_tensor gather(ting_ctx *ctx, ting_tensor from, const int *at, int count)
{
    ting_tensor x = ting_ctx_constant(ctx, count, from.cols);
    for (int i = 0; i < count && ctx->err == TING_OK; i++)
        memcpy(ting_row(x, i), ting_row(from, at[i]), (size_t)from.cols * sizeof(ting_real));
    return x;
}

/* The contexts of utterances who[count] become rows of d. */
static void predict(const ting_am_teacher *t, ting_ctx *ctx, speaker *s, const int *who, int count)
{
    const int length = ting_transducer_settings(t->am.net->transducer)->context;
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    int *contexts = ting_ctx_ints(ctx, count * length);
    for (int i = 0; i < count && contexts != NULL; i++)
        memcpy(contexts + i * length, s->context + who[i] * length, (size_t)length * sizeof *contexts);
    ting_tensor d =
        ctx->err == TING_OK ? ting_transducer_contexts(ctx, t->am.net->transducer, contexts, count) : (ting_tensor){0};
    for (int i = 0; i < count && ctx->err == TING_OK; i++)
        memcpy(ting_row(s->d, who[i]), ting_row(d, i), (size_t)d.cols * sizeof(ting_real));
    ting_arena_rewind(ctx->arena, mark);
}

/* One row's posteriors in the pupil's tokens. Returns how much of them these tokens have, 0 if it is less than half: the rest
 * would be a guess at something else. */
static ting_real translate(const ting_am_teacher *t, const ting_real *row, int count, ting_real *out)
{
    double sum = 0;
    for (int c = 0; c < count; c++)
        sum += t->pupil[c] >= 0 ? (double)row[c] : 0;
    for (int c = 0; c < count; c++)
        if (t->pupil[c] >= 0)
            out[t->pupil[c]] = sum > 0 ? (ting_real)((double)row[c] / sum) : 0;
    return sum < 0.5 ? 0 : (ting_real)sum;
}

/* Row `r` of all utterances that have one. */
static void step(const ting_am_teacher *t, ting_ctx *ctx, speaker *s, int r, ting_am_taught *out)
{
    const ting_transducer *net = t->am.net->transducer;
    const int length = ting_transducer_settings(net)->context, blank = ting_am_blank(&t->am.net->config);
    int active = 0, said = 0;
    for (int u = 0; u < s->rows.count; u++)
        if (s->rows.start[u] + r < s->rows.start[u + 1])
            s->active[active++] = u;
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    int *at = ting_ctx_ints(ctx, active);
    for (int i = 0; i < active && at != NULL; i++)
        at[i] = s->rows.start[s->active[i]] + r;
    ting_tensor logits =
        ting_transducer_join(ctx, net, gather(ctx, s->e, at, active), gather(ctx, s->d, s->active, active));
    for (int i = 0; i < active && ctx->err == TING_OK; i++) {
        const int u = s->active[i], *place = &at[i];
        ting_real *row = ting_row(logits, i);
        int best = 0;
        for (int c = 1; c < logits.cols; c++)
            best = row[c] > row[best] ? c : best;
        ctx->kern->softmax(logits.cols, row, row);
        out->known[*place] =
            translate(t, row, logits.cols, out->posteriors + (size_t)*place * (size_t)t->pupil_tokens);
        s->state[*place] = s->count[u];
        if (best == blank)
            continue;
        s->spoken[s->rows.start[u] + s->count[u]++] = t->pupil[best];
        memmove(s->context + u * length, s->context + u * length + 1, (size_t)(length - 1) * sizeof *s->context);
        s->context[u * length + length - 1] = best;
        s->said[said++] = u;
    }
    ting_arena_rewind(ctx->arena, mark);
    if (said > 0 && ctx->err == TING_OK)
        predict(t, ctx, s, s->said, said);
}

/* The tokens of all utterances one after the other. */
static void collect(ting_ctx *ctx, const speaker *s, ting_am_taught *out)
{
    const int each = s->rows.count;
    int *starts = ting_ctx_ints(ctx, each + 1), *tokens = ting_ctx_ints(ctx, s->rows.start[each] + 1);
    if (ctx->err != TING_OK)
        return;
    starts[0] = 0;
    for (int u = 0; u < each; u++) {
        memcpy(tokens + starts[u], s->spoken + s->rows.start[u], (size_t)s->count[u] * sizeof *tokens);
        starts[u + 1] = starts[u] + s->count[u];
    }
    out->said = (ting_segments){each, starts};
    out->tokens = tokens;
}

static void speak(const ting_am_teacher *t, ting_ctx *ctx, ting_segments rows, ting_am_taught *out)
{
    const ting_transducer_config *config = ting_transducer_settings(t->am.net->transducer);
    const int each = rows.count, total = rows.start[each];
    speaker s = {.rows = rows, .e = out->rows, .d = ting_ctx_constant(ctx, each, config->joiner_dim)};
    s.context = ting_ctx_ints(ctx, each * config->context);
    s.spoken = ting_ctx_ints(ctx, total + 1);
    s.count = ting_ctx_ints(ctx, each);
    s.active = ting_ctx_ints(ctx, each);
    s.said = ting_ctx_ints(ctx, each);
    s.state = ting_ctx_ints(ctx, total + 1);
    out->known = ting_ctx_reals(ctx, (size_t)total + 1);
    ting_tensor posteriors = ting_ctx_constant(ctx, total, t->pupil_tokens);
    if (ctx->err != TING_OK)
        return;
    out->state = s.state;
    out->posteriors = posteriors.data;
    memset(out->posteriors, 0, (size_t)total * (size_t)t->pupil_tokens * sizeof *out->posteriors);
    int most = 0, start[TING_TRANSDUCER_MAX_CONTEXT];
    ting_predictor_start(t->am.net->transducer, config->blank, start);
    for (int u = 0; u < each; u++) {
        memcpy(s.context + u * config->context, start, (size_t)config->context * sizeof *start);
        s.count[u] = 0;
        s.active[u] = u;
        most = rows.start[u + 1] - rows.start[u] > most ? rows.start[u + 1] - rows.start[u] : most;
    }
    predict(t, ctx, &s, s.active, each);
    for (int r = 0; r < most && ctx->err == TING_OK; r++)
        step(t, ctx, &s, r, out);
    collect(ctx, &s, out);
}

ting_am_taught ting_am_teach(ting_am_teacher *t, ting_ctx *ctx, const ting_speech_batch *batch, ting_segments rows,
                             bool speaks)
{
    ting_am_taught out = {0};
    ting_arena_reset(t->arena);
    ting_ctx own = {.arena = t->arena, .pool = ctx->pool, .kern = ctx->kern};
    const ting_tap tap = ting_am_hints_tap(&out.hints, t->inner);
    own.tap = t->shows ? &tap : NULL;
    const bool streams = ting_encoder_streams(&t->am.net->config.encoder);
    ting_tensor y = streams ? hear_streams(t, &own, batch, rows) : hear_whole(t, &own, batch, rows);
    own.tap = NULL;
    if (streams)
        cut_hints(&own, batch, &out.hints);
    out.rows = ting_transducer_project_encoder(&own, t->am.net->transducer, y);
    if (speaks && own.err == TING_OK)
        speak(t, &own, rows, &out);
    if (own.err != TING_OK)
        ting_ctx_fail(ctx, own.err, "the teacher: %s", ting_error_message());
    return out;
}
