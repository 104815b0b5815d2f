/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden.h - compares this implementation with recorded reference vectors.
 *
 * A golden file is a safetensors file whose metadata names its kind, configuration and tolerances
 * (inputs in.*, weights w.*, outputs out.*, gradients grad.*). The runner (golden.c) opens each file of a
 * folder, looks its kind up in kinds.def, and calls that kind's function, which builds the module from
 * the configuration alone, feeds the inputs and hands back what it got:
 *
 *     ting_err ting_golden_layer(ting_golden *g)
 *     {
 *         int dim = (int)ting_golden_int(g, "dim");
 *         const ting_real *x = ting_golden_reals(g, "in.x", NULL);
 *         ...
 *         ting_golden_compare(g, "out.y", 0, y.data, n);
 *         return g->ctx.err;
 *     }
 *
 * So a new file of a known kind needs no new code. A new kind is tests/golden/kind_<name>.c and a line in
 * kinds.def. The runner exists twice: in float (fast kernels; tolerances times a factor that
 * docs/NUMERICS.md derives) and in double (C reference; the file's own tolerances).
 *
 * Getters never fail visibly: a missing input or setting is recorded as the file's error, zeros are
 * returned, and the file counts as failed.
 */
#ifndef TING_TESTS_GOLDEN_H
#define TING_TESTS_GOLDEN_H

#include "base/err.h"
#include "nn/ctx.h"
#include "nn/param.h"
#include "nn/tape.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ting_golden {
    ting_ctx ctx; /* arena, kernels; set ctx.tape = &tape before a forward whose gradients are wanted */
    ting_tape tape;
    ting_source weights; /* finds "name" as "w.name"; for ting_params_load */
    const char *kind, *case_name;
    struct ting_golden_file *file; /* the runner's own */
} ting_golden;

/* Settings of the configuration, by name or by path: "groups.0.lr". */
bool ting_golden_has_setting(ting_golden *g, const char *name);
long ting_golden_int(ting_golden *g, const char *name);
double ting_golden_real(ting_golden *g, const char *name);
bool ting_golden_bool(ting_golden *g, const char *name);
const char *ting_golden_string(ting_golden *g, const char *name);
int ting_golden_list_length(ting_golden *g, const char *name);
long ting_golden_list_int(ting_golden *g, const char *name, int index);

/* Tensors of the file; a dimension beyond the tensor's own is 1. */
bool ting_golden_has(ting_golden *g, const char *name);
int ting_golden_dims(ting_golden *g, const char *name);
int ting_golden_dim(ting_golden *g, const char *name, int axis);

/* All elements, converted, in the context's arena; count (may be NULL) gets their number. */
ting_real *ting_golden_reals(ting_golden *g, const char *name, size_t *count);
int *ting_golden_ints(ting_golden *g, const char *name, size_t *count);

/* Compares `count` elements with the file's tensor from element `first` on. A tensor counts as compared
 * when any part was: call it for each valid part of a padded batch. */
void ting_golden_compare(ting_golden *g, const char *name, size_t first, const ting_real *got, size_t count);
void ting_golden_compare_ints(ting_golden *g, const char *name, size_t first, const int *got, size_t count);

/* The same for a rows x cols view (leading dimension respected), stored contiguously from `first`. */
void ting_golden_compare_tensor(ting_golden *g, const char *name, size_t first, ting_tensor got);

/* Loads w.* into the registry: values kept, gradients allocated. */
ting_err ting_golden_load(ting_golden *g, ting_params *params);

/* After backward: every parameter's gradient against grad.<parameter name>, where the file has one. */
void ting_golden_compare_gradients(ting_golden *g, ting_params *params);

/* Trains as the settings say and compares the losses; loss(self) runs the network, recording, and returns one number. */
ting_err ting_golden_train(ting_golden *g, ting_params *params, ting_tensor (*loss)(void *self), void *self);

/* The file needs something that is not built yet: it is listed as such, not passed. */
void ting_golden_not_built(ting_golden *g);

/* The function of each kind. */
#define KIND(name, function) ting_err ting_golden_##function(ting_golden *g);
#include "golden/kinds.def"
#undef KIND

#endif
