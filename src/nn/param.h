/* SPDX-License-Identifier: Apache-2.0 */
/*
 * param.h - the registry of a model's parameters.
 *
 * A model declares its parameters by name and shape (the names of the published reference, so that
 * checkpoints and golden files load without a table), then the registry either
 *   - allocates them: one flat block of values and one of gradients, so that optimizer, clipping,
 *     averaging and checkpoints are loops over flat arrays: training; or
 *   - loads them from a source (GGUF, safetensors, ONNX): matrices that only linear ops read are packed
 *     straight from the file in the wanted precision and need no f32 copy: inference.
 *
 *     ting_params *params = ting_params_new();
 *     w = ting_param_init(ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){n, k}, "encoder.%d.weight", i),
 *                         ting_init_uniform(1 / sqrt(k)));
 *     ...
 *     TRY(ting_params_alloc(params, true));   or   TRY(ting_params_load(params, &source, ...));
 *     TRY(ting_params_start(params, seed));
 *
 * Declaring fails stickily; alloc and load report it. Immutable, and shared by threads, after load.
 */
#ifndef TING_NN_PARAM_H
#define TING_NN_PARAM_H

#include "base/err.h"
#include "kern/gemm.h"
#include "nn/tensor.h"

#include <stdbool.h>
#include <stdint.h>

enum { TING_MAX_DIMS = 4 };

typedef enum ting_param_role {
    TING_PARAM_VALUES,  /* read element by element: biases, norms, tables: kept as ting_real */
    TING_PARAM_MATRIX,  /* read by ting_linear only: packed at load */
    TING_PARAM_FILTERS, /* [out, in, kt, kf], read by ting_conv2d only: packed at load as [out, kt kf in]; in a
                           file it may be flat, [out, in kt kf] */
    TING_PARAM_TAPS,    /* [C, 1, taps...], a depthwise filter: values kept, and turned at load */
    TING_PARAM_STATISTICS /* running statistics: values that an op itself changes while training. Frozen: they have no
                             gradient and optimizers leave them alone; files and averages hold them like the others */
} ting_param_role;

/* What a parameter holds before the first step of a training. */
typedef enum ting_init_kind {
    TING_INIT_NONE,     /* not said: such a network cannot be trained from nothing */
    TING_INIT_CONSTANT, /* size everywhere */
    TING_INIT_UNIFORM,  /* in -size .. size */
    TING_INIT_NORMAL    /* of mean 0 and deviation size */
} ting_init_kind;

typedef struct ting_init {
    ting_init_kind kind;
    double size;
} ting_init;

static inline ting_init ting_init_constant(double value)
{
    return (ting_init){TING_INIT_CONSTANT, value};
}

static inline ting_init ting_init_uniform(double bound)
{
    return (ting_init){TING_INIT_UNIFORM, bound};
}

static inline ting_init ting_init_normal(double deviation)
{
    return (ting_init){TING_INIT_NORMAL, deviation};
}

typedef struct ting_param {
    char *name;
    ting_param_role role;
    int dims;
    int shape[TING_MAX_DIMS]; /* dims 0 (a scalar) to 4 */
    ting_tensor t;            /* [shape[0], product of the rest]; data NULL for a packed matrix */
    ting_packed *packed;      /* NULL when training */
    ting_real *taps;          /* TAPS: [taps, C], NULL when training (taps.h) */
    ting_init init;
    size_t offset;            /* of the first element in the flat blocks */
    bool frozen;              /* no gradient wanted; set for STATISTICS, else by the caller before alloc or load */
} ting_param;

typedef struct ting_params ting_params;

/* The parameter as one row of all its elements: to add or multiply it as a tensor. */
static inline ting_tensor ting_param_row(const ting_param *param)
{
    ting_tensor t = param->t;
    t.cols = t.ld = t.rows * t.cols;
    t.rows = 1;
    return t;
}

ting_params *ting_params_new(void); /* owned; NULL when out of memory */
void ting_params_free(ting_params *params);

/* Declares a parameter; the pointer lives as long as the registry. NULL after a failure. */
ting_param *ting_params_add(ting_params *params, ting_param_role role, int dims, const int *shape,
                            const char *name_format, ...) TING_PRINTF(5, 6);

/* Says what the parameter starts with; returns it. NULL (a failed declaration) stays NULL. */
static inline ting_param *ting_param_init(ting_param *param, ting_init init)
{
    if (param != NULL)
        param->init = init;
    return param;
}

/* Whether all declarations so far went well. Errors: that of the first that did not. */
ting_err ting_params_declared(const ting_params *params);

int ting_params_count(const ting_params *params);
ting_param *ting_params_at(ting_params *params, int index);
ting_param *ting_params_find(ting_params *params, const char *name); /* NULL when absent */

/* Takes flat zeroed memory for all values, and for all gradients if wanted. */
ting_err ting_params_alloc(ting_params *params, bool with_gradients);

/* Gives every parameter its first values: a function of the seed and its place in the registry (TING_RNG_START). After
 * alloc. Errors: internal, naming a parameter that has not said what it starts with. */
ting_err ting_params_start(ting_params *params, uint64_t seed);

size_t ting_params_elements(const ting_params *params); /* that lie in the flat blocks */
size_t ting_params_total(const ting_params *params);    /* of all parameters, packed ones too */
ting_real *ting_params_values(ting_params *params);    /* the flat block [elements] */
ting_real *ting_params_gradients(ting_params *params); /* the flat block, or NULL */
void ting_params_zero_gradients(ting_params *params);

/* A tensor as a file holds it. */
typedef enum ting_dtype {
    TING_DTYPE_F32, TING_DTYPE_F16, TING_DTYPE_BF16, TING_DTYPE_I8, TING_DTYPE_Q8_0,
    TING_DTYPE_I32, TING_DTYPE_I64, TING_DTYPE_F64, TING_DTYPE_COUNT
} ting_dtype;

typedef struct ting_stored {
    ting_dtype dtype;
    int dims;
    int64_t shape[TING_MAX_DIMS];
    const void *data;   /* little-endian, row-major, borrows from the file */
    size_t bytes;
    const float *scale; /* I8: [shape[0]], value = int8 * scale */
} ting_stored;

typedef struct ting_source { /* where values come from */
    ting_err (*find)(void *self, const char *name, ting_stored *out); /* not found: TING_ERR_NOT_FOUND */
    void *self;
    const char *label; /* for messages: the file's path */
} ting_source;

typedef struct ting_load_options {
    const ting_kern *kern;
    ting_precision precision; /* of MATRIX parameters */
    bool keep_values;         /* also keep ting_real values of matrices (training, double build) */
    bool with_gradients;      /* allocate gradients: implies keep_values */
} ting_load_options;

/* Every declared parameter must be there with its declared number of elements and shape (dimensions of
 * size 1 are ignored in the comparison; int8 with scales must have the rows first). Matrices are packed unless gradients
 * are wanted. The source is not needed afterwards. Errors: model, naming the tensor with both shapes; format; memory. */
ting_err ting_params_load(ting_params *params, const ting_source *source, const ting_load_options *options);

/* The values of one parameter that has them, under the same conditions; they stay where it fails. */
ting_err ting_param_read(ting_param *param, const ting_source *source);

/* The values of a parameter that has them (ting_params_alloc, keep_values), as a file would hold them: F32, or F64 in the
 * double build. Borrows from the registry. */
ting_stored ting_param_stored(const ting_param *param);

/* Element i of a stored tensor as a number, for any dtype. */
double ting_stored_value(const ting_stored *stored, size_t i);
size_t ting_stored_elements(const ting_stored *stored);
size_t ting_dtype_bytes(ting_dtype dtype, size_t elements);
const char *ting_dtype_name(ting_dtype dtype);

#endif
