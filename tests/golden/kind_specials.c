/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_specials.c - the CTC loss of torch: utterances one by one (one impossible: infinite, and zero in the sum), and
 * a padded batch. The lists of the likeliest token sequences: prefix beam search in a beam that holds all of them.
 */
#include "golden/golden.h"

#include "decode/ctc_prefix_beam.h"
#include "loss/ctc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A tensor [rows, cols] with a gradient. */
static ting_tensor with_gradient(ting_golden *g, const ting_real *values, int rows, int cols)
{
    g->tape = (ting_tape){0};
    g->ctx.tape = &g->tape;
    ting_tensor t = ting_ctx_output(&g->ctx, rows, cols);
    if (t.data != NULL)
        memcpy(t.data, values, (size_t)rows * (size_t)cols * sizeof *values);
    return t;
}

static void backward(ting_golden *g, ting_tensor loss)
{
    if (g->ctx.err != TING_OK)
        return;
    loss.grad[0] = 1;
    ting_tape_backward(&g->ctx, &g->tape);
}

static void single(ting_golden *g, int index)
{
    char name[48];
    size_t labels;
    ting_real each;
    snprintf(name, sizeof name, "in.logits%d", index);
    int rows = ting_golden_dim(g, name, 0), classes = ting_golden_dim(g, name, 1);
    ting_tensor logits = with_gradient(g, ting_golden_reals(g, name, NULL), rows, classes);
    snprintf(name, sizeof name, "in.targets%d", index);
    const int *targets = ting_golden_ints(g, name, &labels);
    const int frame[] = {0, rows}, label[] = {0, (int)labels};
    ting_tensor loss = ting_ctc_loss(&g->ctx, logits, (ting_segments){1, frame}, targets, (ting_segments){1, label},
                                     &(ting_ctc_options){.blank = (int)ting_golden_int(g, "blank"), .each = &each});
    backward(g, loss);
    if (g->ctx.err != TING_OK)
        return;
    snprintf(name, sizeof name, "out.loss%d", index);
    ting_golden_compare(g, name, 0, &each, 1);
    snprintf(name, sizeof name, "out.loss_zero_infinity%d", index);
    ting_golden_compare_tensor(g, name, 0, loss);
    snprintf(name, sizeof name, "grad.logits%d", index);
    ting_golden_compare(g, name, 0, logits.grad, (size_t)rows * (size_t)classes);
}

/* (B, T, V) with lengths; targets (B, L), padded. */
static void batch(ting_golden *g)
{
    int count = ting_golden_dim(g, "in.logits", 0), time = ting_golden_dim(g, "in.logits", 1);
    int classes = ting_golden_dim(g, "in.logits", 2), most = ting_golden_dim(g, "in.targets", 1);
    const int *lens = ting_golden_ints(g, "in.logit_lens", NULL), *padded = ting_golden_ints(g, "in.targets", NULL);
    const int *label_lens = ting_golden_ints(g, "in.target_lens", NULL);
    const ting_real *x = ting_golden_reals(g, "in.logits", NULL);
    int *frame = ting_ctx_ints(&g->ctx, count + 1), *label = ting_ctx_ints(&g->ctx, count + 1);
    int *targets = ting_ctx_ints(&g->ctx, count * most);
    ting_real *each = ting_ctx_reals(&g->ctx, (size_t)count);
    ting_real *rows = ting_ctx_reals(&g->ctx, (size_t)(count * time * classes));
    if (g->ctx.err != TING_OK)
        return;
    frame[0] = label[0] = 0;
    for (int b = 0; b < count; b++) {
        frame[b + 1] = frame[b] + lens[b];
        label[b + 1] = label[b] + label_lens[b];
        memcpy(rows + frame[b] * classes, x + b * time * classes, (size_t)(lens[b] * classes) * sizeof *x);
        memcpy(targets + label[b], padded + b * most, (size_t)label_lens[b] * sizeof *targets);
    }
    ting_tensor logits = with_gradient(g, rows, frame[count], classes);
    ting_tensor loss = ting_ctc_loss(&g->ctx, logits, (ting_segments){count, frame}, targets,
                                     (ting_segments){count, label},
                                     &(ting_ctc_options){.blank = (int)ting_golden_int(g, "blank"), .each = each});
    backward(g, loss);
    for (int b = 0; b < count && g->ctx.err == TING_OK; b++) {
        ting_real finite = isinf((double)each[b]) ? 0 : each[b]; /* as the file has it */
        ting_golden_compare(g, "out.loss", (size_t)b, &finite, 1);
        ting_golden_compare(g, "grad.logits", (size_t)(b * time * classes), logits.grad + frame[b] * classes,
                            (size_t)(lens[b] * classes));
    }
}

static void one_list(ting_golden *g, int index)
{
    char tokens_name[48], scores_name[48], name[48];
    snprintf(name, sizeof name, "in.logits%d", index);
    const int rows = ting_golden_dim(g, name, 0), classes = ting_golden_dim(g, name, 1);
    const ting_tensor logits = {.data = ting_golden_reals(g, name, NULL), .rows = rows, .cols = classes, .ld = classes};
    const ting_ctc_beam_options options = {.vocab = classes,
                                           .blank = (int)ting_golden_int(g, "blank"),
                                           .beam = TING_CTC_BEAM_MOST};
    snprintf(tokens_name, sizeof tokens_name, "out.tokens%d", index);
    snprintf(scores_name, sizeof scores_name, "out.scores%d", index);
    const int wanted = ting_golden_dim(g, scores_name, 0);
    int *tokens = ting_ctx_ints(&g->ctx, rows);
    const ting_decoded *best = NULL;
    int count = 0;
    ting_ctc_beam *search = NULL;
    if (g->ctx.err != TING_OK || ting_ctc_beam_new(&options, &search) != TING_OK ||
        ting_ctc_beam_accept(search, &g->ctx, logits) != TING_OK ||
        ting_ctc_beam_results(search, TING_CTC_BEAM_MOST, &best, &count) != TING_OK)
        ting_ctx_fail(&g->ctx, TING_ERR_INTERNAL, "list %d: %s", index, ting_error_message());
    snprintf(name, sizeof name, "out.count%d", index);
    ting_golden_compare_ints(g, name, 0, &count, 1);
    snprintf(name, sizeof name, "out.lens%d", index);
    for (int i = 0; i < wanted && i < count; i++) {
        const ting_real score = (ting_real)best[i].log_prob;
        for (int k = 0; k < rows; k++)
            tokens[k] = k < best[i].count ? best[i].emissions[k].token : -1;
        ting_golden_compare_ints(g, name, (size_t)i, &best[i].count, 1);
        ting_golden_compare_ints(g, tokens_name, (size_t)(i * rows), tokens, (size_t)rows);
        ting_golden_compare(g, scores_name, (size_t)i, &score, 1);
    }
    ting_ctc_beam_free(search);
}

ting_err ting_golden_specials(ting_golden *g)
{
    if (strcmp(g->case_name, "ctc-loss") == 0)
        for (int i = 0; i < ting_golden_list_length(g, "cases"); i++)
            single(g, i);
    else if (strcmp(g->case_name, "ctc-loss-batch") == 0)
        batch(g);
    else if (strcmp(g->case_name, "ctc-prefix-nbest") == 0)
        for (int i = 0; i < ting_golden_list_length(g, "cases"); i++)
            one_list(g, i);
    else
        ting_golden_not_built(g);
    return g->ctx.err;
}
