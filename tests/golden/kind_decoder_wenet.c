/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_decoder_wenet.c - attention decoders, one direction or both: log-probabilities, smoothed loss and all gradients, one token
 * after the other, and the scores of hypotheses.
 */
#include "golden/golden.h"

#include "decode/attention_rescore.h"
#include "loss/attention_loss.h"
#include "model/ctc_head.h"
#include "nn/op.h"

#include <math.h>
#include <string.h>

typedef struct rig {
    ting_golden *g;
    ting_params *params;
    ting_attention_config config;
    ting_attention_decoder *decoder;
    ting_tensor memory; /* of all utterances, without padding, with a gradient */
    ting_segments memory_segments;
} rig;

static ting_attention_config read_config(ting_golden *g)
{
    static const struct {
        const char *name;
        ting_act act;
    } acts[] = {{"relu", TING_ACT_RELU}, {"swish", TING_ACT_SILU}, {"gelu", TING_ACT_GELU}, {"tanh", TING_ACT_TANH}};
    const bool both = strcmp(ting_golden_string(g, "decoder"), "bitransformer") == 0;
    ting_attention_config c = {.vocab = (int)ting_golden_int(g, "vocab_size"),
                               .begin = (int)ting_golden_int(g, "sos"),
                               .end = (int)ting_golden_int(g, "eos"),
                               .width = (int)ting_golden_int(g, "encoder_output_size"),
                               .heads = (int)ting_golden_int(g, "attention_heads"),
                               .feedforward = (int)ting_golden_int(g, "linear_units"),
                               .layers = (int)ting_golden_int(g, "num_blocks"),
                               .reverse_layers = both ? (int)ting_golden_int(g, "r_num_blocks") : 0,
                               .act = TING_ACT_NONE};
    const char *act = ting_golden_has_setting(g, "activation_type") ? ting_golden_string(g, "activation_type") : "relu";
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (strcmp(acts[i].name, act) == 0)
            c.act = acts[i].act;
    return c;
}

/* Whether what the file asks for is what is built: pre-norm, embeddings, an activation that is known. */
static bool can_run(ting_golden *g, const ting_attention_config *c)
{
    return c->act != TING_ACT_NONE && ting_golden_bool(g, "normalize_before") && ting_golden_bool(g, "src_attention") &&
           strcmp(ting_golden_string(g, "input_layer"), "embed") == 0;
}

/* [B] lengths to segments. */
static ting_segments read_segments(ting_golden *g, const char *name)
{
    size_t count = 0;
    const int *lens = ting_golden_ints(g, name, &count);
    int *start = ting_ctx_ints(&g->ctx, (int)count + 1);
    if (start == NULL)
        return (ting_segments){0};
    start[0] = 0;
    for (size_t s = 0; s < count; s++)
        start[s + 1] = start[s] + lens[s];
    return (ting_segments){(int)count, start};
}

/* Rows of a padded tensor [B, most, ..] one after the other. */
static int *read_tokens(ting_golden *g, const char *name, ting_segments segments)
{
    const int *padded = ting_golden_ints(g, name, NULL), most = ting_golden_dim(g, name, 1);
    int *tokens = ting_ctx_ints(&g->ctx, segments.start[segments.count] + 1);
    for (int s = 0; s < segments.count && tokens != NULL; s++)
        for (int i = segments.start[s]; i < segments.start[s + 1]; i++)
            tokens[i] = padded[s * most + i - segments.start[s]];
    return tokens;
}

static void read_memory(rig *r)
{
    ting_golden *g = r->g;
    const ting_real *padded = ting_golden_reals(g, "in.memory", NULL);
    const size_t width = (size_t)r->config.width, most = (size_t)ting_golden_dim(g, "in.memory", 1);
    r->memory_segments = read_segments(g, "in.memory_lens");
    if (g->ctx.err != TING_OK)
        return;
    const ting_segments s = r->memory_segments;
    g->ctx.tape = &g->tape; /* so that it has a gradient */
    r->memory = ting_ctx_output(&g->ctx, s.start[s.count], (int)width);
    g->ctx.tape = NULL;
    for (int u = 0; u < s.count && g->ctx.err == TING_OK; u++)
        memcpy(ting_row(r->memory, s.start[u]), padded + (size_t)u * most * width,
               (size_t)(s.start[u + 1] - s.start[u]) * width * sizeof *padded);
}

static void compare_padded(ting_golden *g, const char *name, ting_tensor got, ting_segments segments, bool gradient)
{
    const size_t most = (size_t)ting_golden_dim(g, name, 1) * (size_t)got.cols;
    if (gradient)
        got.data = got.grad;
    for (int u = 0; u < segments.count && g->ctx.err == TING_OK; u++)
        ting_golden_compare_tensor(g, name, (size_t)u * most,
                                   ting_rows(got, segments.start[u], segments.start[u + 1] - segments.start[u]));
}

static void compare_forward(rig *r, ting_direction direction, const char *name, const int *tokens, ting_segments said)
{
    ting_ctx *ctx = &r->g->ctx;
    const ting_attention_lines lines = ting_attention_lines_make(ctx, r->decoder, direction, tokens, said);
    ting_tensor logits = ting_attention_logits(ctx, r->decoder, direction, r->memory, r->memory_segments, &lines, NULL);
    compare_padded(r->g, name, ting_ctc_head_log_probs(ctx, logits), lines.segments, false);
}

/* One direction's loss alone. The reference does not compute the second one where it has no weight: it is 0 there. */
static void compare_direction(rig *r, const char *name, bool reverse, const int *tokens, ting_segments said, double smoothing,
                              double divisor)
{
    const ting_attention_loss_options options = {.smoothing = smoothing, .reverse = reverse};
    ting_real part = 0;
    if (!ting_golden_has(r->g, name))
        return;
    if (reverse || strcmp(name, "out.loss_left") == 0) {
        ting_tensor loss = ting_attention_loss(&r->g->ctx, r->decoder, r->memory, r->memory_segments, tokens, said, &options);
        part = loss.rows > 0 ? (ting_real)((double)loss.data[0] / divisor) : 0;
    }
    ting_golden_compare(r->g, name, 0, &part, 1);
}

static ting_err compare_loss(rig *r, const int *tokens, ting_segments said)
{
    ting_err err = TING_OK;
    ting_golden *g = r->g;
    const bool by_length = ting_golden_has_setting(g, "length_normalized_loss") && ting_golden_bool(g, "length_normalized_loss");
    const double divisor = by_length ? said.start[said.count] + said.count : said.count;
    const ting_attention_loss_options options = {.smoothing = ting_golden_real(g, "label_smoothing"),
                                                 .reverse = ting_golden_real(g, "reverse_weight")};
    compare_direction(r, "out.loss_left", 0, tokens, said, options.smoothing, divisor);
    compare_direction(r, "out.loss_right", options.reverse > 0, tokens, said, options.smoothing, divisor);
    g->ctx.tape = &g->tape;
    ting_tensor loss = ting_attention_loss(&g->ctx, r->decoder, r->memory, r->memory_segments, tokens, said, &options);
    loss = ting_scale(&g->ctx, loss, (ting_real)(1 / divisor));
    TRY(g->ctx.err);
    ting_golden_compare(g, "out.loss", 0, loss.data, 1);
    loss.grad[0] = 1;
    TRY(ting_tape_backward(&g->ctx, &g->tape));
    ting_golden_compare_gradients(g, r->params);
    compare_padded(g, "grad.memory", r->memory, r->memory_segments, true);
out:
    g->ctx.tape = NULL;
    return err;
}

/* What goes in of the first utterance, padding too, a token at a time. */
static ting_err compare_steps(rig *r)
{
    ting_err err = TING_OK;
    ting_golden *g = r->g;
    const int *in = ting_golden_ints(g, "in.ys_in", NULL), rows = ting_golden_dim(g, "out.step_log_probs", 0);
    ting_attention_steps *steps = NULL;
    TRY(ting_attention_steps_new(&g->ctx, r->decoder, TING_FORWARD, ting_rows(r->memory, 0, r->memory_segments.start[1]),
                                 (ting_segments){1, r->memory_segments.start}, 1, rows, &steps));
    for (int t = 0; t < rows && g->ctx.err == TING_OK; t++) {
        ting_tensor y = ting_ctc_head_log_probs(&g->ctx, ting_attention_steps_take(&g->ctx, steps, in + t, NULL, 1));
        ting_golden_compare_tensor(g, "out.step_log_probs", (size_t)t * (size_t)y.cols, y);
    }
    err = g->ctx.err;
out:
    ting_attention_steps_free(steps);
    return err;
}

static ting_err compare_rescoring(rig *r)
{
    ting_err err = TING_OK;
    ting_golden *g = r->g;
    const ting_segments lines = read_segments(g, "in.hyps_lens");
    const int *tokens = read_tokens(g, "in.hyps", lines);
    const ting_real *ctc = ting_golden_reals(g, "in.hyps_ctc_scores", NULL);
    const ting_rescore_options options = {.ctc_weight = ting_golden_real(g, "ctc_weight"),
                                          .reverse = ting_golden_real(g, "reverse_weight")};
    const size_t count = (size_t)lines.count;
    double *first = ting_arena_take_zeroed(g->ctx.arena, count, sizeof *first);
    ting_rescored *got = ting_arena_take_zeroed(g->ctx.arena, count, sizeof *got);
    int *of_memory = ting_ctx_ints(&g->ctx, lines.count), *order = ting_ctx_ints(&g->ctx, lines.count);
    TRY(g->ctx.err);
    for (int h = 0; h < lines.count; h++) {
        first[h] = (double)ctc[h];
        of_memory[h] = 0;
    }
    TRY(ting_attention_rescore(&g->ctx, r->decoder, r->memory, r->memory_segments, tokens, lines, of_memory, first, &options, got));
    for (int h = 0; h < lines.count; h++) {
        const ting_real score = (ting_real)got[h].score;
        const ting_real sure = (ting_real)exp(got[h].attention / (lines.start[h + 1] - lines.start[h] + 1));
        ting_golden_compare(g, "out.rescore_scores", (size_t)h, &score, 1);
        ting_golden_compare(g, "out.rescore_confidence", (size_t)h, &sure, 1);
    }
    ting_rescored_order(got, lines.count, order);
    ting_golden_compare_ints(g, "out.rescore_best", 0, order, 1);
out:
    return err;
}

ting_err ting_golden_decoder_wenet(ting_golden *g)
{
    ting_err err = TING_OK;
    rig r = {.g = g, .params = ting_params_new(), .config = read_config(g)};
    if (!can_run(g, &r.config)) {
        ting_golden_not_built(g);
        goto out;
    }
    if (r.params == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    TRY(ting_attention_decoder_new(&r.config, "", r.params, &r.decoder));
    TRY(ting_golden_load(g, r.params));
    read_memory(&r);
    const ting_segments said = read_segments(g, "in.ys_lens");
    const int *tokens = read_tokens(g, "in.ys", said);
    TRY(g->ctx.err);
    compare_forward(&r, TING_FORWARD, "out.log_probs", tokens, said);
    if (r.config.reverse_layers > 0 && ting_golden_has(g, "out.r_log_probs"))
        compare_forward(&r, TING_BACKWARD, "out.r_log_probs", tokens, said);
    TRY(g->ctx.err);
    TRY(compare_loss(&r, tokens, said));
    if (ting_golden_has(g, "out.step_log_probs"))
        TRY(compare_steps(&r));
    if (ting_golden_has(g, "out.rescore_scores"))
        TRY(compare_rescoring(&r));
out:
    ting_attention_decoder_free(r.decoder);
    ting_params_free(r.params);
    return err;
}
