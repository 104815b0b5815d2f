/* SPDX-License-Identifier: Apache-2.0 */
/* lm_loss.c - see lm_loss.h. */
#include "loss/lm_loss.h"

#include "base/mem.h"
#include "loss/choice_entropy.h"
#include "loss/cross_entropy.h"

#include <math.h>
#include <string.h>

static ting_tensor sum_over_all(ting_ctx *ctx, ting_tensor logits, const int *targets)
{
    return ting_cross_entropy(ctx, logits, targets, &(ting_cross_entropy_options){.sum = true});
}

ting_tensor ting_lm_loss(ting_ctx *ctx, const ting_lm_net *net, ting_tensor hidden, const int *targets)
{
    return sum_over_all(ctx, ting_lm_net_logits(ctx, net, hidden), targets);
}

static ting_choice *take_choices(ting_ctx *ctx, int rows)
{
    ting_choice *choices = ting_arena_take(ctx->arena, ((size_t)rows + 1) * sizeof *choices);
    ting_ctx_check(ctx);
    return choices;
}

/* ---- by classes ---- */

ting_tensor ting_lm_loss_by_classes(ting_ctx *ctx, const ting_lm_output *output, const int *every, ting_tensor hidden, const int *targets)
{
    int *classes = ting_ctx_ints(ctx, hidden.rows);
    ting_choice *choices = take_choices(ctx, hidden.rows);
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    for (int r = 0; r < hidden.rows; r++) {
        classes[r] = -1;
        choices[r] = (ting_choice){.target = -1};
        if (targets[r] < 0)
            continue;
        const int k = classes[r] = ting_lm_output_class(output, targets[r]), first = output->class_start[k];
        choices[r] = (ting_choice){every + first, output->class_start[k + 1] - first, targets[r] - first};
    }
    ting_tensor of_class = sum_over_all(ctx, ting_linear_apply(ctx, hidden, output->classes, TING_ACT_NONE), classes);
    return ting_add(ctx, of_class, ting_choice_entropy(ctx, hidden, output->words.weight, output->words.bias, choices, NULL, 0));
}

/* ---- of samples ---- */

ting_err ting_lm_draws_make(const uint64_t *counts, int words, int samples, ting_lm_draws *out)
{
    double sum = 0;
    *out = (ting_lm_draws){words, samples < words / 2 ? samples : words / 2, ting_alloc((size_t)words + 1, sizeof *out->until)};
    if (out->until == NULL)
        return TING_ERR_MEMORY;
    for (int w = 0; w < words; w++)
        out->until[w + 1] = sum += pow((double)counts[w], 0.75);
    for (int w = 1; w <= words; w++)
        out->until[w] /= sum;
    return TING_OK;
}

void ting_lm_draws_free(ting_lm_draws *draws)
{
    ting_free(draws->until);
    *draws = (ting_lm_draws){0};
}

static int draw(const ting_lm_draws *d, ting_rng *rng)
{
    const double at = ting_rng_uniform(rng);
    int low = 0, high = d->words;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (d->until[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Distinct words into out, `samples` of them, or fewer when the text has not enough others. shift gets the logarithm of 1 - (1 - q) ^
 * draws, how often a word of share q is expected among them. */
static int draw_words(const ting_lm_draws *d, ting_rng *rng, unsigned char *seen, ting_real *shift, int *out)
{
    int count = 0;
    double draws = 0;
    memset(seen, 0, (size_t)d->words);
    for (; count < d->samples && draws < 64.0 * d->samples; draws++) {
        const int word = draw(d, rng);
        if (!seen[word])
            out[count++] = word;
        seen[word] = 1;
    }
    for (int w = 0; w < d->words; w++) {
        const double expected = -expm1(draws * log1p(-(d->until[w + 1] - d->until[w])));
        shift[w] = (ting_real)log(expected > 1e-30 ? expected : 1e-30);
    }
    return count;
}

ting_tensor ting_lm_loss_of_samples(ting_ctx *ctx, const ting_lm_output *output, const ting_lm_draws *draws, ting_rng *rng,
                                    ting_tensor hidden, const int *targets)
{
    int *words = ting_ctx_ints(ctx, draws->samples);
    unsigned char *seen = ting_arena_take(ctx->arena, (size_t)draws->words);
    ting_real *shift = ting_ctx_reals(ctx, (size_t)draws->words);
    ting_choice *choices = take_choices(ctx, hidden.rows);
    ting_ctx_check(ctx);
    const int count = ctx->err == TING_OK ? draw_words(draws, rng, seen, shift, words) : 0;
    for (int r = 0; ctx->err == TING_OK && r < hidden.rows; r++) {
        int *own = ting_ctx_ints(ctx, count + 1), used = 0;
        choices[r] = (ting_choice){.target = -1};
        if (targets[r] < 0 || own == NULL)
            continue;
        own[used++] = targets[r];
        for (int i = 0; i < count; i++)
            if (words[i] != targets[r])
                own[used++] = words[i];
        choices[r] = (ting_choice){own, used, 0};
    }
    if (ctx->err != TING_OK)
        return (ting_tensor){0};
    return ting_choice_entropy(ctx, hidden, output->words.weight, output->words.bias, choices, shift, 0);
}
