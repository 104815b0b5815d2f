/* SPDX-License-Identifier: Apache-2.0 */
/* kind_scaledadam.c - trajectories of ScaledAdam with given gradients, and the Eden schedules at listed points. */
#include "golden/golden.h"

#include "optim/scaled_adam.h"
#include "optim/schedule.h"

#include <stdio.h>
#include <string.h>

enum { PARAMS_MAX = 64, GROUPS_MAX = 8 };

static double setting_or(ting_golden *g, const char *name, double otherwise)
{
    return ting_golden_has_setting(g, name) ? ting_golden_real(g, name) : otherwise;
}

static void eden(ting_golden *g)
{
    size_t count;
    const int *batch = ting_golden_ints(g, "in.batch", &count);
    const ting_real *epoch = ting_golden_reals(g, "in.epoch", NULL);
    for (int j = 0; j < ting_golden_list_length(g, "schedules"); j++) {
        char key[64], name[32];
        ting_eden e;
        const struct {
            const char *key;
            double *value;
        } settings[] = {{"base_lr", &e.base}, {"lr_batches", &e.in_batches}, {"lr_epochs", &e.in_epochs},
                        {"warmup_batches", &e.warmup}, {"warmup_start", &e.warm_start}};
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
            snprintf(key, sizeof key, "schedules.%d.%s", j, settings[i].key);
            *settings[i].value = ting_golden_real(g, key);
        }
        for (int two = 0; two < 2; two++, e.in_epochs = 0) {
            snprintf(name, sizeof name, two ? "out.eden2_lr%d" : "out.lr%d", j);
            for (size_t i = 0; i < count; i++) {
                const ting_real rate = (ting_real)ting_eden_rate(&e, batch[i], (double)epoch[i]);
                ting_golden_compare(g, name, i, &rate, 1);
            }
        }
    }
}

struct training {
    ting_golden *g;
    ting_params *params;
    int of[PARAMS_MAX];
    double rate[GROUPS_MAX];
    int groups, count;
};

/* Declares the parameters of all groups, with the names of the file. */
static ting_err declare(struct training *t)
{
    ting_err err = TING_OK;
    ting_golden *g = t->g;
    t->groups = ting_golden_list_length(g, "groups");
    if (t->groups < 1 || t->groups > GROUPS_MAX)
        FAIL(TING_ERR_FORMAT, "%d groups, expected 1 to %d", t->groups, (int)GROUPS_MAX);
    for (int j = 0; j < t->groups; j++) {
        char key[64], name[96];
        snprintf(key, sizeof key, "groups.%d.lr", j);
        t->rate[j] = ting_golden_real(g, key);
        snprintf(key, sizeof key, "groups.%d.params", j);
        for (int i = 0; i < ting_golden_list_length(g, key) && t->count < PARAMS_MAX; i++) {
            char item[80];
            int shape[TING_MAX_DIMS], dims;
            snprintf(item, sizeof item, "%s.%d", key, i);
            const char *param = ting_golden_string(g, item);
            snprintf(name, sizeof name, "in.init.%s", param);
            dims = ting_golden_dims(g, name);
            for (int d = 0; d < dims; d++)
                shape[d] = ting_golden_dim(g, name, d);
            ting_params_add(t->params, TING_PARAM_VALUES, dims, shape, "%s", param);
            t->of[t->count++] = j;
        }
    }
    TRY(ting_params_alloc(t->params, true));
out:
    return err;
}

static size_t copy(ting_golden *g, const char *prefix, const ting_param *p, size_t first, ting_real *to)
{
    char name[96];
    snprintf(name, sizeof name, "%s%s", prefix, p->name);
    const size_t count = (size_t)p->t.rows * (size_t)p->t.cols;
    memcpy(to, ting_golden_reals(g, name, NULL) + first, count * sizeof *to);
    return count;
}

static void run(struct training *t, ting_scaled_adam *adam, int steps)
{
    ting_golden *g = t->g;
    for (int step = 0; step < steps && g->ctx.err == TING_OK; step++) {
        ting_arena_mark mark = ting_arena_tell(g->ctx.arena);
        for (int j = 0; j < t->groups && ting_golden_has(g, "in.lr"); j++)
            ting_scaled_adam_set_rate(adam, j, (double)ting_golden_reals(g, "in.lr", NULL)[step * t->groups + j]);
        for (int i = 0; i < t->count; i++) {
            const ting_param *p = ting_params_at(t->params, i);
            copy(g, "in.grads.", p, (size_t)step * (size_t)p->t.rows * (size_t)p->t.cols, p->t.grad);
        }
        ting_scaled_adam_step(adam, g->ctx.kern, NULL, 1);
        for (int i = 0; i < t->count; i++) {
            char name[96];
            const ting_param *p = ting_params_at(t->params, i);
            const size_t count = (size_t)p->t.rows * (size_t)p->t.cols;
            snprintf(name, sizeof name, "out.%s", p->name);
            ting_golden_compare(g, name, (size_t)step * count, p->t.data, count);
        }
        ting_arena_rewind(g->ctx.arena, mark);
    }
}

ting_err ting_golden_scaledadam(ting_golden *g)
{
    ting_err err = TING_OK;
    if (ting_golden_has_setting(g, "schedules")) {
        eden(g);
        return g->ctx.err;
    }
    struct training t = {.g = g, .params = ting_params_new()};
    ting_scaled_adam *adam = NULL;
    if (t.params == NULL)
        return TING_ERR_MEMORY;
    TRY(declare(&t));
    for (int i = 0; i < t.count; i++)
        copy(g, "in.init.", ting_params_at(t.params, i), 0, ting_params_at(t.params, i)->t.data);
    ting_scaled_adam_options o = ting_scaled_adam_defaults;
    o.clip = setting_or(g, "clipping_scale", 0);
    o.scalar_rate = setting_or(g, "scalar_lr_scale", o.scalar_rate);
    o.eps = setting_or(g, "eps", o.eps);
    o.min_rms = setting_or(g, "param_min_rms", o.min_rms);
    o.max_rms = setting_or(g, "param_max_rms", o.max_rms);
    o.scalar_max = setting_or(g, "scalar_max", o.scalar_max);
    o.size_period = (int)setting_or(g, "size_update_period", o.size_period);
    o.clip_period = (int)setting_or(g, "clipping_update_period", o.clip_period);
    if (ting_golden_has_setting(g, "betas")) {
        o.beta1 = ting_golden_real(g, "betas.0");
        o.beta2 = ting_golden_real(g, "betas.1");
    }
    adam = ting_scaled_adam_new(t.params, &o, &(ting_scaled_adam_groups){t.groups, t.of, t.rate});
    if (adam == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    run(&t, adam, (int)ting_golden_int(g, "steps"));
    err = g->ctx.err;
out:
    ting_scaled_adam_free(adam);
    ting_params_free(t.params);
    return err;
}
