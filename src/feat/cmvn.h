/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmvn.h - mean and variance normalisation of features: by stored vectors, or by each recording's own.
 *
 * Files read: WeNet's global_cmvn, JSON {"mean_stat": [sums], "var_stat": [sums of squares], "frame_num": n} or
 * Kaldi's text matrix of two rows "[ sums n \n squares 0 ]", which is what compute-cmvn-stats writes. Written: WeNet's.
 */
#ifndef TING_FEAT_CMVN_H
#define TING_FEAT_CMVN_H

#include "feat/feature.h"

typedef struct ting_cmvn {
    int dim;
    float *mean;  /* [dim] */
    float *scale; /* [dim] 1 / standard deviation */
} ting_cmvn;      /* start with {0}; immutable after loading, any number of threads */

/* Copies `dim` means and scales. Errors: numeric (a value that is not finite), memory. */
ting_err ting_cmvn_init(int dim, const float *mean, const float *scale, ting_cmvn *out);
void ting_cmvn_free(ting_cmvn *cmvn);

/* Whether two are the same but for the rounding of files: means within 1e-4 of a deviation, scales within 1e-4. */
bool ting_cmvn_same(const ting_cmvn *a, const ting_cmvn *b);

/* Errors: io, format, memory. */
ting_err ting_cmvn_load(const char *path, ting_cmvn *out);

/* The same from `size` bytes; `name` is for sentences. */
ting_err ting_cmvn_parse(const char *name, const char *text, size_t size, ting_cmvn *out);

/* Appends a file of WeNet's form: sums and sums of squares [dim] over `frames` frames. */
void ting_cmvn_print(int dim, const double *sum, const double *square, size_t frames, ting_str *out);

/* frames [count, dim] = (frames - mean) scale, in place. */
void ting_cmvn_apply(const ting_cmvn *cmvn, float *frames, size_t count);

/* Normalises in place as config->cmvn says; cmvn is used with TING_CMVN_GLOBAL only. Deviations are of the
 * population; 1e-9 is added. Error: model, when cmvn is of another dimension. */
ting_err ting_cmvn_normalise(const ting_feature_config *config, const ting_cmvn *cmvn,
                             float *frames, size_t count);

#endif
