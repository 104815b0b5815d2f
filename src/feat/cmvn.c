/* SPDX-License-Identifier: Apache-2.0 */
/* cmvn.c - see cmvn.h. Sums are in double. */
#include "feat/cmvn.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/number.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DIM = 4096 };
static const double DEVIATION_ADD = 1e-9, LEAST_VARIANCE = 1e-20;

ting_err ting_cmvn_init(int dim, const float *mean, const float *scale, ting_cmvn *out)
{
    ting_err err = TING_OK;
    ting_cmvn cmvn = {.dim = dim};
    *out = (ting_cmvn){0};
    if (dim < 1 || dim > MAX_DIM)
        FAIL(TING_ERR_ARGUMENT, "normalisation of %d columns, expected 1 to %d", dim, MAX_DIM);
    for (int i = 0; i < dim; i++)
        if (!isfinite(mean[i]) || !isfinite(scale[i]))
            FAIL(TING_ERR_NUMERIC, "normalisation: column %d is not a finite number", i);
    cmvn.mean = ting_alloc((size_t)dim, sizeof *cmvn.mean);
    cmvn.scale = ting_alloc((size_t)dim, sizeof *cmvn.scale);
    if (cmvn.mean == NULL || cmvn.scale == NULL) {
        ting_cmvn_free(&cmvn);
        return TING_ERR_MEMORY;
    }
    memcpy(cmvn.mean, mean, (size_t)dim * sizeof *mean);
    memcpy(cmvn.scale, scale, (size_t)dim * sizeof *scale);
    *out = cmvn;
out:
    return err;
}

void ting_cmvn_free(ting_cmvn *cmvn)
{
    ting_free(cmvn->mean);
    ting_free(cmvn->scale);
    *cmvn = (ting_cmvn){0};
}

bool ting_cmvn_same(const ting_cmvn *a, const ting_cmvn *b)
{
    const float near = 1e-4f;
    bool same = a->dim == b->dim;
    for (int i = 0; same && i < a->dim; i++)
        same = fabsf(a->mean[i] - b->mean[i]) * a->scale[i] <= near &&
               fabsf(a->scale[i] - b->scale[i]) <= near * a->scale[i];
    return same;
}

typedef struct stats {
    int dim;
    double frames;
    double sum[MAX_DIM + 1], square[MAX_DIM + 1]; /* Kaldi's rows end in the count and a zero */
} stats;

static ting_err finish_stats(const char *name, const stats *s, ting_cmvn *out)
{
    ting_err err = TING_OK;
    float mean[MAX_DIM], scale[MAX_DIM];
    if (!(s->frames >= 1) || s->dim < 1)
        FAIL(TING_ERR_FORMAT, "%s: normalisation of %d columns from %g frames", name, s->dim,
             s->frames);
    for (int i = 0; i < s->dim; i++) {
        double m = s->sum[i] / s->frames, variance = s->square[i] / s->frames - m * m;
        mean[i] = (float)m;
        scale[i] = (float)(1 / sqrt(variance > LEAST_VARIANCE ? variance : LEAST_VARIANCE));
    }
    TRY(ting_cmvn_init(s->dim, mean, scale, out));
out:
    return err == TING_OK ? err : ting_fail_in(err, "%s", name);
}

static ting_err read_array(const char *name, const json_t *root, const char *key, double *out,
                           int *count)
{
    ting_err err = TING_OK;
    const json_t *array = json_object_get(root, key);
    size_t size = json_array_size(array);
    if (size < 1 || size > MAX_DIM)
        FAIL(TING_ERR_FORMAT, "%s: \"%s\" has %zu numbers, expected an array of 1 to %d", name, key,
             size, MAX_DIM);
    for (size_t i = 0; i < size; i++) {
        const json_t *number = json_array_get(array, i);
        if (!json_is_number(number))
            FAIL(TING_ERR_FORMAT, "%s: \"%s\"[%zu] is no number", name, key, i);
        out[i] = json_number_value(number);
    }
    *count = (int)size;
out:
    return err;
}

static ting_err parse_json(const char *name, const char *text, size_t size, stats *s)
{
    ting_err err = TING_OK;
    json_error_t reason;
    int squares = 0;
    json_t *root = json_loadb(text, size, 0, &reason);
    if (root == NULL)
        FAIL(TING_ERR_FORMAT, "%s: line %d: %s", name, reason.line, reason.text);
    TRY(read_array(name, root, "mean_stat", s->sum, &s->dim));
    TRY(read_array(name, root, "var_stat", s->square, &squares));
    s->frames = json_number_value(json_object_get(root, "frame_num"));
    if (squares != s->dim)
        FAIL(TING_ERR_FORMAT, "%s: %d sums but %d squares", name, s->dim, squares);
out:
    json_decref(root);
    return err;
}

/* "[key] [ sums n (newline) squares 0 ]". */
static ting_err parse_matrix(const char *name, const char *text, stats *s)
{
    ting_err err = TING_OK;
    const char *at = strchr(text, '[');
    double *row = s->sum;
    int counts[2] = {0}, rows = 0;
    if (at == NULL)
        FAIL(TING_ERR_FORMAT, "%s: neither JSON with \"mean_stat\" nor a Kaldi text matrix", name);
    for (at++; rows < 2;) {
        at += strspn(at, " \t\r");
        if (*at == '\n' || *at == ']') {
            if (counts[rows] > 0)
                row = ++rows == 1 ? s->square : row;
            if (*at++ == ']')
                break;
            continue;
        }
        char *end = NULL;
        double value = ting_number_read(at, &end);
        if (end == at || counts[rows] > MAX_DIM)
            FAIL(TING_ERR_FORMAT,
                 "%s: row %d of the matrix: number %d cannot be read, or is one too many", name,
                 rows + 1, counts[rows] + 1);
        row[counts[rows]++] = value;
        at = end;
    }
    if (rows != 2 || counts[0] != counts[1] || counts[0] < 2)
        FAIL(TING_ERR_FORMAT, "%s: rows of %d and %d numbers, expected two of the same length",
             name, counts[0], counts[1]);
    s->dim = counts[0] - 1;
    s->frames = s->sum[s->dim];
out:
    return err;
}

ting_err ting_cmvn_parse(const char *name, const char *text, size_t size, ting_cmvn *out)
{
    ting_err err = TING_OK;
    char *copy = ting_alloc(size + 1, 1); /* with a zero at the end */
    stats *s = ting_alloc(1, sizeof *s);
    *out = (ting_cmvn){0};
    if (copy == NULL || s == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (size > 0)
        memcpy(copy, text, size);
    if (copy[strspn(copy, " \t\r\n")] == '{')
        TRY(parse_json(name, copy, size, s));
    else
        TRY(parse_matrix(name, copy, s));
    TRY(finish_stats(name, s, out));
out:
    ting_free(copy);
    ting_free(s);
    return err;
}

ting_err ting_cmvn_load(const char *path, ting_cmvn *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = (ting_cmvn){0};
    TRY(ting_file_map(path, &file));
    TRY(ting_cmvn_parse(path, (const char *)file.data, file.size, out));
out:
    ting_file_unmap(&file);
    return err;
}

static void print_array(const char *key, const double *values, int count, ting_str *out)
{
    ting_str_addf(out, "\"%s\": [", key);
    for (int i = 0; i < count; i++)
        ting_str_addf(out, "%s%.17g", i > 0 ? ", " : "", values[i]);
    ting_str_add(out, "], ");
}

void ting_cmvn_print(int dim, const double *sum, const double *square, size_t frames, ting_str *out)
{
    ting_str_add(out, "{");
    print_array("mean_stat", sum, dim, out);
    print_array("var_stat", square, dim, out);
    ting_str_addf(out, "\"frame_num\": %zu}\n", frames);
}

void ting_cmvn_apply(const ting_cmvn *cmvn, float *frames, size_t count)
{
    for (size_t t = 0; t < count; t++, frames += cmvn->dim)
        for (int i = 0; i < cmvn->dim; i++)
            frames[i] = (frames[i] - cmvn->mean[i]) * cmvn->scale[i];
}

/* Normalises values `first`, first + step, ... below `end` by their own mean and, if asked, deviation. */
static void normalise_own(float *values, size_t first, size_t end, size_t step, bool variance)
{
    double sum = 0, square = 0, count = 0;
    for (size_t i = first; i < end; i += step, count++)
        sum += (double)values[i];
    double mean = sum / count, factor = 1;
    if (variance) {
        for (size_t i = first; i < end; i += step)
            square += ((double)values[i] - mean) * ((double)values[i] - mean);
        factor = 1 / (sqrt(square / count) + DEVIATION_ADD);
    }
    for (size_t i = first; i < end; i += step)
        values[i] = (float)(((double)values[i] - mean) * factor);
}

ting_err ting_cmvn_normalise(const ting_feature_config *config, const ting_cmvn *cmvn,
                             float *frames, size_t count)
{
    ting_err err = TING_OK;
    size_t dim = (size_t)ting_feature_dim(config);
    if (count == 0)
        return TING_OK;
    switch ((ting_feature_cmvn)config->cmvn) {
    case TING_CMVN_NONE: break;
    case TING_CMVN_GLOBAL:
        if (cmvn->dim != (int)dim)
            FAIL(TING_ERR_MODEL, "normalisation is for %d columns, but the features have %zu",
                 cmvn->dim, dim);
        ting_cmvn_apply(cmvn, frames, count);
        break;
    case TING_CMVN_MEAN:
    case TING_CMVN_MEAN_VARIANCE:
        for (size_t i = 0; i < dim; i++)
            normalise_own(frames, i, count * dim, dim, config->cmvn == TING_CMVN_MEAN_VARIANCE);
        break;
    case TING_CMVN_WHOLE: normalise_own(frames, 0, count * dim, 1, true); break;
    }
out:
    return err;
}
