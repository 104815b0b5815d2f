/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_zipformer_tensors.c - the tensors of an exported encoder under the names of icefall's checkpoints.
 *
 * What the exporter folded into constants is unfolded:
 *
 *     exp(norm.log_scale)                           -> its logarithm
 *     softmax(downsample.bias)                      -> its logarithm, which has the same softmax
 *     1 + edges of chunkwise_conv_scale, [C, n]     -> left edge minus 1, right edge 0: the same sum for this chunk n
 *     projected positions [heads, 1, dp, distances] -> self_attn_weights.linear_pos.table [distances, heads dp]
 *
 * The last two hold for the exported chunk and left context only. In a float export the positions are not folded;
 * then linear_pos.weight itself is taken.
 */
#include "model/import_zipformer.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LAYER = 96, LONGER = 192, NAME = 256 };

/* ---- what the exporter folded ---- */

static ting_err give_scalar(const ting_onnx_walk *walk, const char *name, double value)
{
    float *values = ting_alloc(1, sizeof *values);
    if (values == NULL)
        return TING_ERR_MEMORY;
    values[0] = (float)value;
    return ting_onnx_give(walk, name, 0, NULL, values);
}

/* norm: Sub(x, bias) -> Pow -> ReduceMean -> Pow -> Mul(., scale). */
static ting_err take_norm(const ting_onnx_walk *walk, const char *module)
{
    ting_err err = TING_OK;
    static const char *const path[] = {"Sub", "Pow", "ReduceMean", "Pow", "Mul"};
    char bias[NAME], name[NAME];
    ting_stored scale;
    snprintf(bias, sizeof bias, "%s.bias", module);
    snprintf(name, sizeof name, "%s.log_scale", module);
    TRY(ting_onnx_take(walk, bias, bias));
    if (ting_onnx_has_tensor(walk->graph, name)) {
        TRY(ting_onnx_take(walk, name, name));
        goto out;
    }
    const char *value = bias;
    const ting_onnx_node *node = NULL;
    for (int i = 0; i < 5; i++) {
        node = ting_onnx_reader(walk->graph, value, path[i]);
        if (node == NULL)
            FAIL(TING_ERR_MODEL, "%s: no %s after \"%s\": not the normalisation of a Zipformer",
                 walk->graph->label, path[i], bias);
        value = node->outputs[0];
    }
    if (!ting_onnx_constant_input(walk->graph, node, &scale) || ting_stored_elements(&scale) != 1 ||
        !(ting_stored_value(&scale, 0) > 0))
        FAIL(TING_ERR_MODEL, "%s: the normalisation \"%s\" has no constant positive scale",
             walk->graph->label, bias);
    TRY(give_scalar(walk, name, log(ting_stored_value(&scale, 0))));
out:
    return err;
}

/* x -> Reshape -> Mul(., weights [factor, 1, 1]): gives the logarithms of the weights. */
static ting_err take_downsample(const ting_onnx_walk *walk, const char *x, int factor,
                                const char *name)
{
    ting_err err = TING_OK;
    ting_stored w = {0};
    if (ting_onnx_has_tensor(walk->graph, name))
        return ting_onnx_take(walk, name, name);
    const ting_onnx_node *shape = x == NULL ? NULL : ting_onnx_reader(walk->graph, x, "Reshape");
    const ting_onnx_node *mul =
        shape == NULL ? NULL : ting_onnx_reader(walk->graph, shape->outputs[0], "Mul");
    if (mul == NULL || !ting_onnx_constant_input(walk->graph, mul, &w) ||
        ting_stored_elements(&w) != (size_t)factor)
        FAIL(TING_ERR_MODEL, "%s: the %d weights of \"%s\" are not where a Zipformer has them",
             walk->graph->label, factor, name);
    float *values = ting_alloc((size_t)factor, sizeof *values);
    if (values == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < factor; i++)
        values[i] = (float)log(ting_stored_value(&w, (size_t)i));
    int64_t size = factor;
    TRY(ting_onnx_give(walk, name, 1, &size, values));
out:
    return err;
}

/* The input of a stack, from its combination: Mul(Sub(slow, x), bypass_scale). */
static const char *stack_input(const ting_onnx *graph, int i)
{
    char scale[NAME];
    snprintf(scale, sizeof scale, "encoder.encoders.%d.out_combiner.bypass_scale", i);
    const ting_onnx_node *mul = ting_onnx_reader(graph, scale, "Mul");
    const ting_onnx_node *sub =
        mul == NULL ? NULL : ting_onnx_maker(graph, ting_onnx_other(mul, scale));
    return sub != NULL && strcmp(sub->op, "Sub") == 0 && sub->input_count == 2 ? sub->inputs[1]
                                                                               : NULL;
}

/* The input of the last downsampling, back from the encoder's projection: Reshape -> Mul -> ReduceSum -> ... */
static const char *output_input(const ting_onnx *graph)
{
    const char *value = ting_onnx_linear_input(graph, "encoder_proj");
    for (int steps = 0; value != NULL && steps < 8; steps++) {
        const ting_onnx_node *node = ting_onnx_maker(graph, value);
        if (node == NULL || node->input_count == 0)
            return NULL;
        if (strcmp(node->op, "Reshape") == 0)
            return node->inputs[0];
        value = node->inputs[0];
    }
    return NULL;
}

/* The edges that give `folded` [C, n]: the left one as far as it reaches, then the right one. False when a position that
 * neither reaches is not 1. */
static bool unfold_edges(const ting_stored *folded, int dim, int kernel, int n, float *left,
                         float *right)
{
    for (int c = 0; c < dim; c++)
        for (int t = 0; t < n; t++) {
            float edge = (float)(ting_stored_value(folded, (size_t)(c * n + t)) - 1);
            int r = t - (n - kernel);
            if (t < kernel)
                left[c * kernel + t] = edge;
            else if (r >= 0)
                right[c * kernel + r] = edge;
            else if (edge != 0)
                return false;
        }
    return true;
}

/* One of the edges where they are not folded: a constant [C, kernel], cut (Slice) or with zeros added (Concat), or
 * already cut to [C, n]. Goes to out [C, kernel] from its left end, or, for the right edge, to its right end. */
static bool edge_of(const ting_onnx *graph, const char *value, int dim, int kernel, int n,
                    bool right, float *out)
{
    ting_stored edge;
    const ting_onnx_node *node = ting_onnx_maker(graph, value);
    if (node != NULL && strcmp(node->op, "Concat") != 0 && strcmp(node->op, "Slice") != 0)
        return false;
    if (node == NULL ? ting_onnx_tensor(graph, value, &edge) != TING_OK
                     : !ting_onnx_constant_input(graph, node, &edge))
        return false;
    int64_t cols = edge.dims == 2 ? edge.shape[1] : 0;
    if (cols < 1 || edge.shape[0] != dim || (cols != kernel && (cols != n || n > kernel)))
        return false;
    int shift = right ? kernel - (int)cols : 0;
    for (int c = 0; c < dim; c++)
        for (int t = 0; t < (int)cols; t++)
            out[c * kernel + t + shift] =
                (float)ting_stored_value(&edge, (size_t)(c * (int)cols + t));
    return true;
}

/* Add(Add(left, right), 1), the sides of either in any order; left first. */
static bool open_edges(const ting_onnx *graph, const char *scale, int dim, int kernel, int n,
                       float *left, float *right)
{
    const ting_onnx_node *sum = ting_onnx_maker(graph, scale);
    ting_stored one;
    if (sum == NULL || strcmp(sum->op, "Add") != 0 || !ting_onnx_constant_input(graph, sum, &one) ||
        ting_stored_elements(&one) != 1 || ting_stored_value(&one, 0) != 1)
        return false;
    const ting_onnx_node *both =
        ting_onnx_maker(graph, sum->inputs[ting_onnx_has_tensor(graph, sum->inputs[0])]);
    return both != NULL && strcmp(both->op, "Add") == 0 && both->input_count == 2 &&
           edge_of(graph, both->inputs[0], dim, kernel, n, false, left) &&
           edge_of(graph, both->inputs[1], dim, kernel, n, true, right);
}

/* Conv -> Mul(., 1 + left + right), folded to [C, n] or not. */
static ting_err take_edges(const ting_onnx_walk *walk, const char *conv, int dim, int kernel,
                           int chunk)
{
    ting_err err = TING_OK;
    char name[NAME], weight[NAME];
    ting_stored folded = {0};
    snprintf(name, sizeof name, "%s.chunkwise_conv_scale", conv);
    snprintf(weight, sizeof weight, "%s.chunkwise_conv.weight", conv);
    if (ting_onnx_has_tensor(walk->graph, name))
        return ting_onnx_take(walk, name, name);
    float *left = ting_alloc(2 * (size_t)dim * (size_t)kernel, sizeof *left);
    if (left == NULL)
        return TING_ERR_MEMORY;
    float *right = left + (size_t)dim * (size_t)kernel;
    const ting_onnx_node *node = ting_onnx_reader(walk->graph, weight, "Conv");
    const ting_onnx_node *mul =
        node == NULL ? NULL : ting_onnx_reader(walk->graph, node->outputs[0], "Mul");
    bool found = false;
    if (mul != NULL && ting_onnx_constant_input(walk->graph, mul, &folded))
        found = folded.dims >= 2 && folded.shape[folded.dims - 1] == chunk &&
                ting_stored_elements(&folded) == (size_t)dim * (size_t)chunk &&
                unfold_edges(&folded, dim, kernel, chunk, left, right);
    else if (mul != NULL)
        found = open_edges(walk->graph, ting_onnx_other(mul, node->outputs[0]), dim, kernel, chunk,
                           left, right);
    if (!found)
        FAIL(TING_ERR_MODEL, "%s: the edge scales of \"%s\" are not [%d, %d]", walk->graph->label,
             conv, dim, chunk);
    float *given = left;
    left = NULL;
    TRY(ting_onnx_give(walk, name, 3, (int64_t[]){2, dim, kernel}, given));
out:
    ting_free(left);
    return err;
}

/* ---- positions ---- */

/* The product of the position queries with constant positions: in_proj -> Slice -> Reshape -> Transpose -> [quantise] ->
 * product. Of the three slices (queries, keys, positions) only one meets a constant. */
static const ting_onnx_node *position_product(const ting_onnx *graph, const char *in_proj)
{
    const ting_onnx_link *slices;
    const char *value = ting_onnx_linear_output(graph, in_proj);
    size_t count = value == NULL ? 0 : ting_onnx_consumers(graph, value, &slices);
    for (size_t i = 0; i < count; i++) {
        const ting_onnx_node *node = &graph->nodes[slices[i].node];
        static const char *const path[] = {"Reshape", "Transpose"};
        for (int k = 0; node != NULL && k < 2; k++)
            node = ting_onnx_reader(graph, node->outputs[0], path[k]);
        if (node == NULL)
            continue;
        const ting_onnx_node *quantised =
            ting_onnx_reader(graph, node->outputs[0], "DynamicQuantizeLinear");
        const ting_onnx_node *product =
            quantised != NULL ? ting_onnx_reader(graph, quantised->outputs[0], "MatMulInteger")
                              : ting_onnx_reader(graph, node->outputs[0], "MatMul");
        if (product == NULL || product->input_count < 2)
            continue;
        if (ting_onnx_has_tensor(graph, product->inputs[1])) /* not "nobody makes it": inputs of the graph are so too */
            return product;
        /* Transpose(Reshape(MatMul(positions, weight))) */
        const ting_onnx_node *made = ting_onnx_maker(graph, product->inputs[1]);
        for (int k = 0; made != NULL && k < 3 && strcmp(made->op, "MatMul") != 0; k++)
            made = ting_onnx_maker(graph, made->inputs[0]);
        if (made != NULL && strcmp(made->op, "MatMul") == 0 &&
            ting_onnx_has_tensor(graph, made->inputs[1]))
            return product;
    }
    return NULL;
}

/* Projected positions [heads, 1, dp, distances], float or int8 -> table [distances, heads dp]. */
static ting_err take_table(const ting_onnx_walk *walk, const ting_onnx_node *product,
                           const char *layer, const ting_zipformer_stack_config *s)
{
    ting_err err = TING_OK;
    ting_stored p;
    const float *scales;
    size_t scale_count;
    char name[NAME];
    TRY(ting_onnx_product_weight(walk->graph, product, &p, &scales, &scale_count));
    if (p.dims != 4 || p.shape[0] != s->heads || p.shape[1] != 1 || p.shape[2] != s->pos_head_dim)
        FAIL(TING_ERR_MODEL, "%s: the positions of \"%s\" are not [%d, 1, %d, distances]",
             walk->graph->label, layer, s->heads, s->pos_head_dim);
    int64_t distances = p.shape[3], cols = p.shape[0] * p.shape[2];
    void *data = ting_alloc(p.bytes, 1);
    if (data == NULL)
        return TING_ERR_MEMORY;
    ting_stored table = {
        .dtype = p.dtype, .dims = 2, .shape = {distances, cols}, .data = data, .bytes = p.bytes};
    ting_copy_strided(data, p.data, ting_dtype_bytes(p.dtype, 1), 2, table.shape,
                      (int64_t[]){1, distances});
    snprintf(name, sizeof name, "%s.self_attn_weights.linear_pos.table", layer);
    TRY(ting_table_add(walk->table, name, strlen(name), &table, data));
    if (p.dtype != TING_DTYPE_I8)
        goto out;
    if (scale_count != 1)
        FAIL(TING_ERR_UNSUPPORTED, "%s: %zu scales for the positions of \"%s\", expected one",
             walk->graph->label, scale_count, layer);
    float *scale = ting_alloc((size_t)distances, sizeof *scale);
    if (scale == NULL)
        return TING_ERR_MEMORY;
    for (int64_t i = 0; i < distances; i++)
        scale[i] = scales[0];
    snprintf(name, sizeof name, "%s.self_attn_weights.linear_pos.table.scale", layer);
    TRY(ting_onnx_give(walk, name, 1, &distances, scale));
out:
    return err;
}

/* weight [pos_dim, heads dp] of MatMul(positions, weight) -> [heads dp, pos_dim] */
static ting_err take_projection(const ting_onnx_walk *walk, const ting_onnx_node *product,
                                const char *layer, int *pos_dim)
{
    ting_err err = TING_OK;
    ting_stored w;
    char name[NAME];
    const ting_onnx_node *node = ting_onnx_maker(walk->graph, product->inputs[1]);
    while (strcmp(node->op, "MatMul") != 0)
        node = ting_onnx_maker(walk->graph, node->inputs[0]);
    TRY(ting_onnx_tensor(walk->graph, node->inputs[1], &w));
    if (w.dims != 2 || w.dtype != TING_DTYPE_F32 || w.shape[0] > 65536)
        FAIL(TING_ERR_UNSUPPORTED, "%s: the position weight of \"%s\" is not a float matrix",
             walk->graph->label, layer);
    int64_t shape[2] = {w.shape[1], w.shape[0]};
    float *values = ting_alloc(ting_stored_elements(&w), sizeof *values);
    if (values == NULL)
        return TING_ERR_MEMORY;
    ting_copy_strided(values, w.data, sizeof *values, 2, shape, (int64_t[]){1, w.shape[1]});
    snprintf(name, sizeof name, "%s.self_attn_weights.linear_pos.weight", layer);
    *pos_dim = (int)w.shape[0];
    TRY(ting_onnx_give(walk, name, 2, shape, values));
out:
    return err;
}

static ting_err take_positions(ting_zipformer_import *im, const char *layer,
                               const ting_zipformer_stack_config *s)
{
    ting_err err = TING_OK;
    char in_proj[NAME];
    int pos_dim = 0;
    snprintf(in_proj, sizeof in_proj, "%s.self_attn_weights.in_proj", layer);
    const ting_onnx_node *product = position_product(&im->encoder, in_proj);
    if (product == NULL)
        FAIL(TING_ERR_MODEL,
             "%s: the relative positions of \"%s\" are not where a Zipformer has them",
             im->encoder.label, layer);
    if (ting_onnx_has_tensor(&im->encoder, product->inputs[1]))
        TRY(take_table(&im->walk, product, layer, s));
    else
        TRY(take_projection(&im->walk, product, layer, &pos_dim));
    if (im->out->config.encoder.zipformer.pos_dim >= 0 && im->out->config.encoder.zipformer.pos_dim != pos_dim)
        FAIL(TING_ERR_UNSUPPORTED, "%s: layers have position encodings of %d and of %d values",
             im->encoder.label, im->out->config.encoder.zipformer.pos_dim, pos_dim);
    im->out->config.encoder.zipformer.pos_dim = pos_dim;
out:
    return err;
}

/* ---- all of it ---- */

/* "<module>.weight" and ".bias" of a convolution; a bias that was merged with an equal one is taken from the node. */
static ting_err take_conv(const ting_onnx_walk *walk, const char *module)
{
    ting_err err = TING_OK;
    char weight[NAME], bias[NAME];
    snprintf(weight, sizeof weight, "%s.weight", module);
    snprintf(bias, sizeof bias, "%s.bias", module);
    TRY(ting_onnx_take(walk, weight, weight));
    const ting_onnx_node *node = ting_onnx_reader(walk->graph, weight, "Conv");
    if (node == NULL || node->input_count < 3)
        FAIL(TING_ERR_MODEL, "%s: \"%s\" is not the filter of a convolution with a bias",
             walk->graph->label, weight);
    TRY(ting_onnx_take(walk, node->inputs[2], bias));
out:
    return err;
}

static ting_err take_layer(ting_zipformer_import *im, int i, int j)
{
    ting_err err = TING_OK;
    static const char *const linear[] = {
        "self_attn_weights.in_proj", "self_attn1.in_proj",     "self_attn1.out_proj",
        "self_attn2.in_proj",        "self_attn2.out_proj",    "feed_forward1.in_proj",
        "feed_forward1.out_proj",    "feed_forward2.in_proj",  "feed_forward2.out_proj",
        "feed_forward3.in_proj",     "feed_forward3.out_proj", "nonlin_attention.in_proj",
        "nonlin_attention.out_proj", "conv_module1.in_proj",   "conv_module1.out_proj",
        "conv_module2.in_proj",      "conv_module2.out_proj"};
    static const char *const conv[] = {"causal_conv", "chunkwise_conv"};
    static const char *const plain[] = {"bypass.bypass_scale", "bypass_mid.bypass_scale"};
    const ting_zipformer_config *c = &im->out->config.encoder.zipformer;
    const ting_zipformer_stack_config *s = &c->stack[i];
    char stack[TING_IMPORT_NAME], layer[LAYER], name[LONGER];
    ting_import_stack_name(c, i, stack);
    snprintf(layer, sizeof layer, "%s.layers.%d", stack, j);
    for (size_t k = 0; k < sizeof linear / sizeof linear[0]; k++) {
        snprintf(name, sizeof name, "%s.%s", layer, linear[k]);
        TRY(ting_onnx_take_linear(&im->walk, name, name));
    }
    for (int k = 0; k < 2; k++) {
        snprintf(name, sizeof name, "%s.%s", layer, plain[k]);
        TRY(ting_onnx_take(&im->walk, name, name));
        for (int m = 1; m <= 2; m++) {
            snprintf(name, sizeof name, "%s.conv_module%d.depthwise_conv.%s", layer, m, conv[k]);
            TRY(take_conv(&im->walk, name));
        }
        snprintf(name, sizeof name, "%s.conv_module%d.depthwise_conv", layer, k + 1);
        TRY(take_edges(&im->walk, name, s->dim, s->kernel, c->chunk / s->downsampling));
    }
    snprintf(name, sizeof name, "%s.norm", layer);
    TRY(take_norm(&im->walk, name));
    TRY(take_positions(im, layer, s));
out:
    return err;
}

ting_err ting_import_encoder_tensors(ting_zipformer_import *im)
{
    ting_err err = TING_OK;
    static const char *const conv[] = {"conv.0",
                                       "conv.4",
                                       "conv.7",
                                       "convnext.depthwise_conv",
                                       "convnext.pointwise_conv1",
                                       "convnext.pointwise_conv2"};
    const ting_zipformer_config *c = &im->out->config.encoder.zipformer;
    char name[NAME];
    for (size_t k = 0; k < sizeof conv / sizeof conv[0]; k++) {
        snprintf(name, sizeof name, "encoder_embed.%s", conv[k]);
        TRY(take_conv(&im->walk, name));
    }
    TRY(ting_onnx_take_linear(&im->walk, "encoder_embed.out", "encoder_embed.out"));
    TRY(take_norm(&im->walk, "encoder_embed.out_norm"));
    im->out->config.encoder.zipformer.pos_dim = -1; /* until the first layer tells */
    for (int i = 0; i < c->stacks; i++) {
        for (int j = 0; j < c->stack[i].layers; j++)
            TRY(take_layer(im, i, j));
        if (c->stack[i].downsampling == 1)
            continue;
        snprintf(name, sizeof name, "encoder.encoders.%d.out_combiner.bypass_scale", i);
        TRY(ting_onnx_take(&im->walk, name, name));
        snprintf(name, sizeof name, "encoder.encoders.%d.downsample.bias", i);
        TRY(take_downsample(&im->walk, stack_input(&im->encoder, i), c->stack[i].downsampling,
                            name));
    }
    TRY(take_downsample(&im->walk, output_input(&im->encoder), c->output_downsampling,
                        "encoder.downsample_output.bias"));
    TRY(ting_onnx_take_linear(&im->walk, "encoder_proj", "joiner.encoder_proj"));
out:
    return err;
}
