/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx_walk.h - finding weights in a graph by what the graph does with them, and giving them the names and
 * layout of the reference.
 *
 * Exporters keep the names of biases and of convolutions, but transpose and rename the matrices of linear layers,
 * quantise them, and fold what is constant. So a linear layer "X" is found from its bias:
 *
 *     Add(X.bias, MatMul(x, W [k, n]))                                                         float
 *     Add(X.bias, Mul(Cast(MatMulInteger(q, W int8 [k, n], zero, zero)), Mul(scale of q, scale of W)))   int8
 *     Gemm(x, W, X.bias)
 *
 * Weights go into a table as they are: int8 stays int8 with one scale per output, transposed to [n, k].
 */
#ifndef TING_MODEL_ONNX_WALK_H
#define TING_MODEL_ONNX_WALK_H

#include "model/onnx.h"

typedef struct ting_onnx_walk {
    const ting_onnx *graph;
    ting_table *table; /* where the tensors go, not sealed */
} ting_onnx_walk;

/* The first node that reads `value` and whose op is `op`; NULL when there is none. */
const ting_onnx_node *ting_onnx_reader(const ting_onnx *graph, const char *value, const char *op);

/* The node that makes `value`; NULL for inputs and constants. */
const ting_onnx_node *ting_onnx_maker(const ting_onnx *graph, const char *value);

/* The input of a two-sided node (Add, Mul) that is not `value`. */
const char *ting_onnx_other(const ting_onnx_node *node, const char *value);

/* The constant among a node's inputs; false when there is none. */
bool ting_onnx_constant_input(const ting_onnx *graph, const ting_onnx_node *node, ting_stored *out);

/* Copies a constant under another name. Errors: not found; unsupported; memory. */
ting_err ting_onnx_take(const ting_onnx_walk *walk, const char *value, const char *name);

/* Adds numbers [shape] as F32 under `name`; takes `values`, also on failure. */
ting_err ting_onnx_give(const ting_onnx_walk *walk, const char *name, int dims,
                        const int64_t *shape, float *values);

/* Linear layer `module` of the graph -> "<name>.weight" [n, k] (with ".scale" if int8) and "<name>.bias" [n]. Errors:
 * model (the graph does something else with the bias), not found, memory. */
ting_err ting_onnx_take_linear(const ting_onnx_walk *walk, const char *module, const char *name);

/* The output of that layer: the value after the bias; NULL when there is no such layer. */
const char *ting_onnx_linear_output(const ting_onnx *graph, const char *module);

/* The input of that layer, before it is quantised; NULL when there is no such layer. */
const char *ting_onnx_linear_input(const ting_onnx *graph, const char *module);

/* The second operand of a product if it is constant, with its scale (1 if it is not quantised): *product reads *left
 * (quantised on the way or not). Errors: model, not found. */
ting_err ting_onnx_product_weight(const ting_onnx *graph, const ting_onnx_node *product,
                                  ting_stored *out, const float **scales, size_t *scale_count);

#endif
