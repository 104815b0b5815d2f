/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_walk.c - see onnx_walk.h. */
#include "model/onnx_walk.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 256 };

const ting_onnx_node *ting_onnx_reader(const ting_onnx *graph, const char *value, const char *op)
{
    const ting_onnx_link *link;
    size_t count = ting_onnx_consumers(graph, value, &link);
    for (size_t i = 0; i < count; i++)
        if (strcmp(graph->nodes[link[i].node].op, op) == 0)
            return &graph->nodes[link[i].node];
    return NULL;
}

const ting_onnx_node *ting_onnx_maker(const ting_onnx *graph, const char *value)
{
    int node = ting_onnx_producer(graph, value);
    return node < 0 ? NULL : &graph->nodes[node];
}

const char *ting_onnx_other(const ting_onnx_node *node, const char *value)
{
    if (node->input_count != 2)
        return "";
    return node->inputs[strcmp(node->inputs[0], value) == 0 ? 1 : 0];
}

bool ting_onnx_constant_input(const ting_onnx *graph, const ting_onnx_node *node, ting_stored *out)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (ting_onnx_has_tensor(graph, node->inputs[i]))
            return ting_onnx_tensor(graph, node->inputs[i], out) == TING_OK;
    return false;
}

static bool is(const ting_onnx_node *node, const char *op)
{
    return node != NULL && strcmp(node->op, op) == 0;
}

/* ---- into the table ---- */

ting_err ting_onnx_give(const ting_onnx_walk *walk, const char *name, int dims,
                        const int64_t *shape, float *values)
{
    ting_stored stored = {.dtype = TING_DTYPE_F32, .dims = dims, .data = values};
    for (int i = 0; i < dims; i++)
        stored.shape[i] = shape[i];
    stored.bytes = ting_stored_elements(&stored) * sizeof *values;
    return ting_table_add(walk->table, name, strlen(name), &stored, values);
}

ting_err ting_onnx_take(const ting_onnx_walk *walk, const char *value, const char *name)
{
    ting_stored stored;
    ting_err err = ting_onnx_tensor(walk->graph, value, &stored);
    if (err != TING_OK)
        return err;
    void *copy = ting_alloc(stored.bytes, 1);
    if (copy == NULL)
        return TING_ERR_MEMORY;
    memcpy(copy, stored.data, stored.bytes);
    stored.data = copy;
    stored.scale = NULL;
    return ting_table_add(walk->table, name, strlen(name), &stored, copy);
}

/* A matrix [k, n] (or [n, k] when it already stands so) under `name` as [n, k], with its scales. */
static ting_err give_matrix(const ting_onnx_walk *walk, const char *name, const ting_stored *w,
                            bool turned, const float *scales, size_t scale_count)
{
    ting_err err = TING_OK;
    if (w->dims != 2)
        return ting_fail(TING_ERR_MODEL, "%s: the weight of \"%s\" has %d dimensions, expected 2",
                         walk->graph->label, name, w->dims);
    int64_t n = w->shape[turned ? 0 : 1], k = w->shape[turned ? 1 : 0];
    ting_stored stored = {.dtype = w->dtype, .dims = 2, .shape = {n, k}, .bytes = w->bytes};
    size_t size = ting_dtype_bytes(w->dtype, 1);
    char scale_name[NAME];
    float *scale = NULL;
    void *data = ting_alloc(w->bytes, 1);
    if (data == NULL)
        return TING_ERR_MEMORY;
    const int64_t stride[2] = {turned ? k : 1, turned ? 1 : n};
    ting_copy_strided(data, w->data, size, 2, stored.shape, stride);
    stored.data = data;
    TRY(ting_table_add(walk->table, name, strlen(name), &stored, data));
    if (w->dtype != TING_DTYPE_I8)
        goto out;
    if (scale_count != 1 && scale_count != (size_t)n)
        FAIL(TING_ERR_MODEL, "%s: %zu scales for the %lld outputs of \"%s\"", walk->graph->label,
             scale_count, (long long)n, name);
    scale = ting_alloc((size_t)n, sizeof *scale);
    if (scale == NULL)
        return TING_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++)
        scale[i] = scales[scale_count == 1 ? 0 : i];
    snprintf(scale_name, sizeof scale_name, "%s.scale", name);
    TRY(ting_onnx_give(walk, scale_name, 1, &n, scale));
out:
    return err;
}

/* ---- products ---- */

/* MatMulInteger -> Cast -> Mul(., Mul(scale of the left side, scale of the right side)): the latter. */
static ting_err integer_scales(const ting_onnx *graph, const ting_onnx_node *product,
                               const float **scales, size_t *count)
{
    const ting_onnx_node *cast = ting_onnx_reader(graph, product->outputs[0], "Cast");
    const ting_onnx_node *mul =
        cast == NULL ? NULL : ting_onnx_reader(graph, cast->outputs[0], "Mul");
    const ting_onnx_node *both =
        mul == NULL ? NULL : ting_onnx_maker(graph, ting_onnx_other(mul, cast->outputs[0]));
    ting_stored scale;
    if (!is(both, "Mul") || !ting_onnx_constant_input(graph, both, &scale) ||
        scale.dtype != TING_DTYPE_F32)
        return ting_fail(TING_ERR_MODEL,
                         "%s: the integer product \"%s\" is not followed by its scales",
                         graph->label, product->name);
    *scales = scale.data;
    *count = ting_stored_elements(&scale);
    return TING_OK;
}

ting_err ting_onnx_product_weight(const ting_onnx *graph, const ting_onnx_node *product,
                                  ting_stored *out, const float **scales, size_t *scale_count)
{
    ting_err err = TING_OK;
    ting_stored zero;
    *scales = NULL;
    *scale_count = 0;
    if (product->input_count < 2)
        FAIL(TING_ERR_MODEL, "%s: the product \"%s\" has one side", graph->label, product->name);
    TRY(ting_onnx_tensor(graph, product->inputs[1], out));
    if (!is(product, "MatMulInteger"))
        goto out;
    if (product->input_count > 3 && product->inputs[3][0] != '\0') {
        TRY(ting_onnx_tensor(graph, product->inputs[3], &zero));
        for (size_t i = 0; i < ting_stored_elements(&zero); i++)
            if (ting_stored_value(&zero, i) != 0)
                FAIL(TING_ERR_UNSUPPORTED,
                     "%s: the int8 weight of \"%s\" has a zero point that is not 0", graph->label,
                     product->name);
    }
    if (out->dtype != TING_DTYPE_I8)
        FAIL(TING_ERR_UNSUPPORTED, "%s: the weight of the integer product \"%s\" is not int8",
             graph->label, product->name);
    TRY(integer_scales(graph, product, scales, scale_count));
out:
    return err;
}

/* ---- linear layers ---- */

typedef struct linear {
    const ting_onnx_node *last;    /* Add or Gemm: gives the output */
    const ting_onnx_node *product; /* MatMul, MatMulInteger or Gemm */
} linear;

static bool find_linear(const ting_onnx *graph, const char *module, linear *out)
{
    char bias[NAME];
    snprintf(bias, sizeof bias, "%s.bias", module);
    out->product = out->last = ting_onnx_reader(graph, bias, "Gemm");
    if (out->last != NULL)
        return out->last->input_count == 3;
    out->last = ting_onnx_reader(graph, bias, "Add");
    const ting_onnx_node *node =
        out->last == NULL ? NULL : ting_onnx_maker(graph, ting_onnx_other(out->last, bias));
    if (is(node, "Mul")) { /* the scales; one side is the cast integer product */
        const ting_onnx_node *cast = ting_onnx_maker(graph, node->inputs[0]);
        if (!is(cast, "Cast") && node->input_count > 1)
            cast = ting_onnx_maker(graph, node->inputs[1]);
        node = is(cast, "Cast") ? ting_onnx_maker(graph, cast->inputs[0]) : NULL;
    }
    out->product = node;
    return (is(node, "MatMul") || is(node, "MatMulInteger")) && node->input_count >= 2;
}

ting_err ting_onnx_take_linear(const ting_onnx_walk *walk, const char *module, const char *name)
{
    ting_err err = TING_OK;
    linear found;
    ting_stored w;
    const float *scales;
    size_t scale_count;
    char text[NAME], bias[NAME];
    snprintf(bias, sizeof bias, "%s.bias", module);
    if (!ting_onnx_has_tensor(walk->graph, bias))
        FAIL(TING_ERR_MODEL,
             "%s: no tensor \"%s\": this is not the export of a Zipformer transducer",
             walk->graph->label, bias);
    if (!find_linear(walk->graph, module, &found))
        FAIL(TING_ERR_MODEL, "%s: \"%s\" is not the bias of a linear layer in this graph",
             walk->graph->label, bias);
    TRY(ting_onnx_product_weight(walk->graph, found.product, &w, &scales, &scale_count));
    bool turned = is(found.product, "Gemm") && ting_onnx_integer(found.product, "transB", 0) != 0;
    snprintf(text, sizeof text, "%s.weight", name);
    TRY(give_matrix(walk, text, &w, turned, scales, scale_count));
    snprintf(text, sizeof text, "%s.bias", name);
    TRY(ting_onnx_take(walk, bias, text));
out:
    return err;
}

const char *ting_onnx_linear_output(const ting_onnx *graph, const char *module)
{
    linear found;
    return find_linear(graph, module, &found) ? found.last->outputs[0] : NULL;
}

const char *ting_onnx_linear_input(const ting_onnx *graph, const char *module)
{
    linear found;
    if (!find_linear(graph, module, &found))
        return NULL;
    const char *x = found.product->inputs[0];
    const ting_onnx_node *maker = ting_onnx_maker(graph, x);
    return is(maker, "DynamicQuantizeLinear") ? maker->inputs[0] : x;
}
