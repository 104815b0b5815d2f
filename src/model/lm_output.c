/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_output.c - probabilities behind the output layer of lm_net.h: of all words, of single ones, and by classes (Goodman 2001;
 * Mikolov 2011):  p(w) = p(class of w) p(w | its class), each a softmax over few.
 */
#include "model/lm_parts.h"


enum { BLOCK = 256 }; /* rows whose logits are there at a time */

bool ting_lm_net_output(const ting_lm_net *net, ting_lm_output *out)
{
    const bool recurrent = net->config.kind != TING_LM_NNLM && net->config.kind != TING_LM_GPT;
    if (recurrent)
        *out = net->recurrent.output;
    return recurrent;
}

void ting_lm_net_start_shares(ting_lm_net *net, const uint64_t *counts)
{
    const ting_lm_output *output = &net->recurrent.output;
    switch (net->config.kind) {
    case TING_LM_GPT: break;
    case TING_LM_NNLM: ting_linear_start_shares(net->nnlm.b, counts, NULL); break;
    default:
        ting_linear_start_shares(output->words.bias, counts, NULL); /* within a class a common factor says nothing */
        if (output->class_count > 0)
            ting_linear_start_shares(output->classes.bias, counts, output->class_start);
    }
}

int ting_lm_output_class(const ting_lm_output *output, int word)
{
    int low = 0, high = output->class_count;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (output->class_start[middle] <= word)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* out [words of the class]: log p(word | class) for what x, a row, is about. */
static void within_class(const ting_ctx *ctx, const ting_lm_output *output, int class, const ting_real *x, ting_real *out)
{
    const ting_param *weight = output->words.weight;
    const int first = output->class_start[class], count = output->class_start[class + 1] - first;
    for (int i = 0; i < count; i++)
        out[i] = output->words.bias->t.data[first + i] + ctx->kern->dot(weight->t.cols, x, ting_row(weight->t, first + i));
    ctx->kern->log_softmax(count, out, out);
}

ting_tensor ting_lm_class_log_probs(ting_ctx *ctx, const ting_lm_output *output, ting_tensor x)
{
    if (ctx->tape != NULL)
        ting_ctx_fail(ctx, TING_ERR_INTERNAL, "probabilities of all words through classes have no gradient: losses take the output apart");
    ting_tensor classes = ting_linear_apply(ctx, x, output->classes, TING_ACT_NONE);
    ting_tensor y = ting_ctx_constant(ctx, x.rows, output->words.weight->t.rows);
    for (int r = 0; ctx->err == TING_OK && r < x.rows; r++) {
        ctx->kern->log_softmax(output->class_count, ting_row(classes, r), ting_row(classes, r));
        for (int k = 0; k < output->class_count; k++) {
            ting_real *words = ting_row(y, r) + output->class_start[k];
            within_class(ctx, output, k, ting_row(x, r), words);
            for (int i = 0; i < output->class_start[k + 1] - output->class_start[k]; i++)
                words[i] += ting_row(classes, r)[k];
        }
    }
    return y;
}

/* The two softmaxes of each row's target alone. */
static void by_classes(ting_ctx *ctx, const ting_lm_output *output, ting_tensor x, const int *targets, double *out)
{
    ting_tensor classes = ting_linear_apply(ctx, x, output->classes, TING_ACT_NONE);
    ting_real *words = ting_ctx_reals(ctx, (size_t)output->words.weight->t.rows);
    for (int r = 0; ctx->err == TING_OK && r < x.rows; r++) {
        if (targets[r] < 0)
            continue;
        const int class = ting_lm_output_class(output, targets[r]);
        const ting_real *row = ting_row(classes, r);
        within_class(ctx, output, class, ting_row(x, r), words);
        out[r] = (double)row[class] - (double)ctx->kern->log_sum_exp(classes.cols, row) +
                 (double)words[targets[r] - output->class_start[class]];
    }
}

static void by_words(ting_ctx *ctx, const ting_lm_net *net, ting_tensor x, const int *targets, double *out)
{
    ting_tensor y = ting_lm_net_logits(ctx, net, x);
    for (int r = 0; ctx->err == TING_OK && r < x.rows; r++)
        if (targets[r] >= 0)
            out[r] = (double)ting_row(y, r)[targets[r]] - (double)ctx->kern->log_sum_exp(y.cols, ting_row(y, r));
}

void ting_lm_net_log_probs(ting_ctx *ctx, const ting_lm_net *net, ting_tensor hidden, const int *targets, double *out)
{
    for (int r = 0; r < hidden.rows; r++) {
        out[r] = 0;
        if (targets[r] >= net->config.tokens)
            ting_ctx_fail(ctx, TING_ERR_INTERNAL, "target %d in row %d, there are %d tokens", targets[r], r, net->config.tokens);
    }
    for (int r = 0; ctx->err == TING_OK && r < hidden.rows; r += BLOCK) {
        const ting_arena_mark mark = ting_arena_tell(ctx->arena);
        const ting_tensor rows = ting_rows(hidden, r, hidden.rows - r < BLOCK ? hidden.rows - r : BLOCK);
        if (net->config.classes > 0)
            by_classes(ctx, &net->recurrent.output, rows, targets + r, out + r);
        else
            by_words(ctx, net, rows, targets + r, out + r);
        ting_arena_rewind(ctx->arena, mark);
    }
}
