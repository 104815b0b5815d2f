/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind_specials.c - the CTC loss of torch: utterances one by one (one impossible: infinite, and zero in the sum), and
 * a padded batch. The list of best prefixes belongs to a search, which the double build does not have.
 */
#include "golden/golden.h"

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

ting_err ting_golden_specials(ting_golden *g)
{
    if (strcmp(g->case_name, "ctc-loss") == 0)
        for (int i = 0; i < ting_golden_list_length(g, "cases"); i++)
            single(g, i);
    else if (strcmp(g->case_name, "ctc-loss-batch") == 0)
        batch(g);
    else
        ting_golden_not_built(g);
    return g->ctx.err;
}
