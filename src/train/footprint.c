/* SPDX-License-Identifier: Apache-2.0 */
/* footprint.c - see footprint.h. */
#include "train/footprint.h"

static const double MB = 1e6;

static double elements_of(ting_params *params)
{
    double sum = 0;
    for (int i = 0; i < ting_params_count(params); i++) {
        const ting_param *p = ting_params_at(params, i);
        double elements = 1;
        for (int d = 0; d < p->dims; d++)
            elements *= p->shape[d];
        sum += elements;
    }
    return sum;
}

ting_footprint ting_footprint_of(ting_params *params, const ting_train_plan *plan, double data)
{
    const double once = elements_of(params) * sizeof(ting_real);
    ting_footprint f = {
        .parameters = once, .gradients = once, .optimizer = 2 * once, .data = data}; /* both hold a mean and a square */
    f.average = plan->average > 0 ? once : 0;
    f.checkpoint = f.parameters + f.optimizer + f.average;
    return f;
}

static double sum(const ting_footprint *f)
{
    return f->parameters + f->gradients + f->optimizer + f->average + f->data;
}

void ting_footprint_print(const ting_footprint *f, ting_str *out)
{
    ting_str_addf(out, "%.1f MB parameters, %.1f MB gradients, %.1f MB optimizer, %.1f MB average", f->parameters / MB,
                  f->gradients / MB, f->optimizer / MB, f->average / MB);
    if (f->data > 0)
        ting_str_addf(out, ", %.1f MB sound and batches", f->data / MB);
}

ting_err ting_footprint_fit(const ting_footprint *f, int processes, uint64_t available, const char *recipe)
{
    ting_err err = TING_OK;
    ting_str parts = {0}, times = {0};
    if (processes * sum(f) <= (double)available)
        return TING_OK;
    ting_footprint_print(f, &parts);
    if (processes > 1)
        ting_str_addf(&times, " in each of %d processes", processes);
    if (!ting_str_ok(&parts) || (processes > 1 && !ting_str_ok(&times)))
        err = TING_ERR_MEMORY;
    else
        err = ting_fail(
            TING_ERR_MEMORY,
            "%s: the training needs %.1f MB before its first activation (%s%s), and %.1f MB are available: make the "
            "network smaller%s",
            recipe, processes * sum(f) / MB, parts.text, processes > 1 ? times.text : "", (double)available / MB,
            f->data > 0 ? ", or lower data.memory" : "");
    ting_str_free(&parts);
    ting_str_free(&times);
    return err;
}
