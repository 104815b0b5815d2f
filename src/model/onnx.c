/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx.c - see onnx.h. protobuf-c parses the message into an arena; every tensor's size is then checked
 * against its shape before anyone may look at it.
 */
#include "model/onnx.h"

#include "base/file.h"
#include "base/mem.h"
#include "onnx.pb-c.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 1 << 16, EXTERNAL = 1 };

static void *arena_alloc(void *arena, size_t bytes)
{
    return ting_arena_take(arena, bytes);
}

static void arena_keep(void *arena, void *block)
{
    (void)arena, (void)block; /* the arena gives everything back at once */
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* ---- tensors ---- */

static const struct {
    int32_t code; /* TensorProto.DataType */
    ting_dtype dtype;
} TYPES[] = {{1, TING_DTYPE_F32},  {3, TING_DTYPE_I8},   {6, TING_DTYPE_I32},  {7, TING_DTYPE_I64},
                                  {10, TING_DTYPE_F16}, {11, TING_DTYPE_F64}, {16, TING_DTYPE_BF16}};

static ting_err remember_unread(ting_onnx *graph, const char *name)
{
    ting_err err = ting_reserve(&graph->unread, graph->unread_count, 1, &graph->unread_room, sizeof *graph->unread);
    if (err == TING_OK)
        graph->unread[graph->unread_count++] = name;
    return err;
}

/* int32_data also carries the narrow types, one per element: packs them. */
static ting_err pack_narrow(ting_onnx *graph, const TingOnnx__TensorProto *proto, ting_stored *tensor)
{
    size_t width = ting_dtype_bytes(tensor->dtype, 1);
    unsigned char *packed = ting_arena_take(graph->arena, proto->n_int32_data * width);
    if (packed == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < proto->n_int32_data; i++)
        memcpy(packed + i * width, &proto->int32_data[i], width); /* the low bytes */
    tensor->data = packed;
    tensor->bytes = proto->n_int32_data * width;
    return TING_OK;
}

/* Finds where the values stand: raw bytes, or the field of their type. */
static ting_err find_data(ting_onnx *graph, const TingOnnx__TensorProto *proto, ting_stored *tensor)
{
    if (proto->has_raw_data) {
        tensor->data = proto->raw_data.data;
        tensor->bytes = proto->raw_data.len;
        return TING_OK;
    }
    switch (tensor->dtype) {
    case TING_DTYPE_F32:
        tensor->data = proto->float_data;
        tensor->bytes = proto->n_float_data * sizeof(float);
        return TING_OK;
    case TING_DTYPE_I64:
        tensor->data = proto->int64_data;
        tensor->bytes = proto->n_int64_data * sizeof(int64_t);
        return TING_OK;
    case TING_DTYPE_F64:
        tensor->data = proto->double_data;
        tensor->bytes = proto->n_double_data * sizeof(double);
        return TING_OK;
    default: return pack_narrow(graph, proto, tensor);
    }
}

static ting_err add_tensor(ting_onnx *graph, const TingOnnx__TensorProto *proto, const char *name)
{
    ting_err err = TING_OK;
    ting_stored tensor = {.dtype = TING_DTYPE_COUNT};
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (TYPES[i].code == proto->data_type)
            tensor.dtype = TYPES[i].dtype;
    if (proto->n_external_data > 0 || proto->data_location == EXTERNAL)
        FAIL(TING_ERR_UNSUPPORTED, "tensor \"%s\": its data stand in another file; export the model as one file",
             name);
    if (tensor.dtype == TING_DTYPE_COUNT || proto->n_dims > TING_MAX_DIMS)
        return remember_unread(graph, name);
    tensor.dims = (int)proto->n_dims;
    for (size_t d = 0; d < proto->n_dims; d++)
        tensor.shape[d] = proto->dims[d];
    TRY(find_data(graph, proto, &tensor));
    TRY(ting_table_add(&graph->table, name, strlen(name), &tensor, NULL));
out:
    return err;
}

static const TingOnnx__AttributeProto *find_attribute(const TingOnnx__NodeProto *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(or_empty(node->attribute[i]->name), name) == 0)
            return node->attribute[i];
    return NULL;
}

static ting_err add_tensors(ting_onnx *graph, const TingOnnx__GraphProto *proto)
{
    ting_err err = TING_OK;
    for (size_t i = 0; i < proto->n_initializer; i++)
        TRY(add_tensor(graph, proto->initializer[i], or_empty(proto->initializer[i]->name)));
    for (size_t i = 0; i < proto->n_node; i++) {
        const TingOnnx__NodeProto *node = proto->node[i];
        if (strcmp(or_empty(node->op_type), "Constant") != 0 || node->n_output != 1)
            continue;
        const TingOnnx__AttributeProto *value = find_attribute(node, "value");
        if (value != NULL && value->t != NULL)
            TRY(add_tensor(graph, value->t, node->output[0]));
    }
    TRY(ting_table_seal(&graph->table));
out:
    return err;
}

/* ---- nodes and ports ---- */

static int by_value(const void *a, const void *b)
{
    const ting_onnx_link *x = a, *y = b;
    int order = strcmp(x->value, y->value);
    return order != 0 ? order : (x->node > y->node) - (x->node < y->node);
}

/* A copy of a node's names, padded with "". NULL when out of memory. */
static const char *const *padded(ting_onnx *graph, char *const *names, size_t count)
{
    size_t slots = count < TING_ONNX_SLOTS ? TING_ONNX_SLOTS : count;
    const char **copy = ting_arena_take(graph->arena, slots * sizeof *copy);
    for (size_t i = 0; copy != NULL && i < slots; i++)
        copy[i] = i < count ? names[i] : "";
    return copy;
}

/* Sorts the indexes. Each value is made once, and before its use: no walk can go round in circles. */
static ting_err check_order(ting_onnx *graph)
{
    ting_err err = TING_OK;
    qsort(graph->producers, graph->producer_count, sizeof *graph->producers, by_value);
    qsort(graph->consumers, graph->consumer_count, sizeof *graph->consumers, by_value);
    for (size_t i = 1; i < graph->producer_count; i++) {
        const char *value = graph->producers[i].value;
        if (*value != '\0' && strcmp(value, graph->producers[i - 1].value) == 0)
            FAIL(TING_ERR_FORMAT, "two nodes make the value \"%s\"", value);
    }
    for (size_t i = 0; i < graph->consumer_count; i++)
        if (ting_onnx_producer(graph, graph->consumers[i].value) >= graph->consumers[i].node)
            FAIL(TING_ERR_FORMAT, "the value \"%s\" is used before it is made", graph->consumers[i].value);
out:
    return err;
}

static ting_err index_nodes(ting_onnx *graph, const TingOnnx__GraphProto *proto)
{
    ting_err err = TING_OK;
    size_t inputs = 0, outputs = 0;
    if (proto->n_node > INT_MAX)
        FAIL(TING_ERR_UNSUPPORTED, "%zu nodes", proto->n_node);
    graph->nodes = ting_alloc(proto->n_node, sizeof *graph->nodes);
    if (graph->nodes == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (; graph->node_count < proto->n_node; graph->node_count++) {
        const TingOnnx__NodeProto *node = proto->node[graph->node_count];
        ting_onnx_node *view = &graph->nodes[graph->node_count];
        *view = (ting_onnx_node){.op = or_empty(node->op_type),
                                 .name = or_empty(node->name),
                                 .inputs = padded(graph, node->input, node->n_input),
                                 .input_count = node->n_input,
                                 .outputs = padded(graph, node->output, node->n_output),
                                 .output_count = node->n_output,
                                 .proto = node};
        if (view->inputs == NULL || view->outputs == NULL) {
            err = TING_ERR_MEMORY;
            goto out;
        }
        inputs += node->n_input;
        outputs += node->n_output;
    }
    graph->producers = ting_alloc(outputs, sizeof *graph->producers);
    graph->consumers = ting_alloc(inputs, sizeof *graph->consumers);
    if (graph->producers == NULL || graph->consumers == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t n = 0; n < graph->node_count; n++) {
        const ting_onnx_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->output_count; i++)
            graph->producers[graph->producer_count++] = (ting_onnx_link){node->outputs[i], (int)n};
        for (size_t i = 0; i < node->input_count; i++)
            graph->consumers[graph->consumer_count++] = (ting_onnx_link){node->inputs[i], (int)n};
    }
    TRY(check_order(graph));
out:
    return err;
}

static ting_err make_ports(TingOnnx__ValueInfoProto *const *protos, size_t count, ting_onnx_port **out,
                           size_t *out_count)
{
    ting_err err = TING_OK;
    *out = ting_alloc(count, sizeof **out);
    if (*out == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        ting_onnx_port *port = &(*out)[i];
        port->name = or_empty(protos[i]->name);
        const TingOnnx__TypeProto *type = protos[i]->type;
        const TingOnnx__TensorTypeProto *tensor = type == NULL ? NULL : type->tensor_type;
        const TingOnnx__TensorShapeProto *shape = tensor == NULL ? NULL : tensor->shape;
        size_t dims = shape == NULL ? 0 : shape->n_dim;
        if (dims > TING_ONNX_DIMS)
            FAIL(TING_ERR_UNSUPPORTED, "\"%s\" has %zu dimensions, at most %d are supported", port->name, dims,
                 TING_ONNX_DIMS);
        port->dims = (int)dims;
        for (size_t d = 0; d < dims; d++)
            port->shape[d] = shape->dim[d]->has_dim_value && shape->dim[d]->dim_value >= 0 ? shape->dim[d]->dim_value : -1;
        *out_count = i + 1;
    }
out:
    return err;
}

static ting_err read_message(ting_onnx *graph, const void *bytes, size_t size)
{
    ting_err err = TING_OK;
    ProtobufCAllocator allocator = {arena_alloc, arena_keep, graph->arena};
    TingOnnx__ModelProto *model = ting_onnx__model_proto__unpack(&allocator, size, bytes);
    if (model == NULL && ting_arena_failed(graph->arena)) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (model == NULL)
        FAIL(TING_ERR_FORMAT, "not an ONNX file, or truncated or damaged: it is no protobuf message of this kind");
    graph->proto = model;
    if (model->graph == NULL || model->graph->n_node == 0)
        FAIL(TING_ERR_FORMAT, "not an ONNX file: it has no graph");
    TRY(index_nodes(graph, model->graph));
    TRY(add_tensors(graph, model->graph));
    TRY(make_ports(model->graph->input, model->graph->n_input, &graph->inputs, &graph->input_count));
    TRY(make_ports(model->graph->output, model->graph->n_output, &graph->outputs, &graph->output_count));
out:
    return err;
}

ting_err ting_onnx_parse(const void *bytes, size_t size, const char *label, ting_onnx *out)
{
    ting_err err = TING_OK;
    *out = (ting_onnx){0};
    out->label = ting_strdup(label);
    out->arena = ting_arena_new(ARENA_BLOCK);
    if (out->label == NULL || out->arena == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    err = read_message(out, bytes, size);
    if (err != TING_OK)
        ting_fail_in(err, "%s", label);
out:
    if (err != TING_OK)
        ting_onnx_close(out);
    return err;
}

ting_err ting_onnx_open(const char *path, ting_onnx *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    *out = (ting_onnx){0};
    TRY(ting_file_map(path, &file));
    TRY(ting_onnx_parse(file.data, file.size, path, out));
out:
    ting_file_unmap(&file);
    return err;
}

void ting_onnx_close(ting_onnx *graph)
{
    ting_free(graph->label);
    ting_free(graph->nodes);
    ting_free(graph->inputs);
    ting_free(graph->outputs);
    ting_free(graph->producers);
    ting_free(graph->consumers);
    ting_free((void *)graph->unread);
    ting_table_free(&graph->table);
    ting_arena_free(graph->arena);
    *graph = (ting_onnx){0};
}

/* ---- looking things up ---- */

bool ting_onnx_has_tensor(const ting_onnx *graph, const char *value)
{
    return ting_table_find(&graph->table, value) != NULL;
}

ting_err ting_onnx_tensor(const ting_onnx *graph, const char *value, ting_stored *out)
{
    ting_err err = TING_OK;
    const ting_stored *found = ting_table_find(&graph->table, value);
    if (found != NULL) {
        *out = *found;
        return TING_OK;
    }
    for (size_t i = 0; i < graph->unread_count; i++)
        if (strcmp(graph->unread[i], value) == 0)
            FAIL(TING_ERR_UNSUPPORTED,
                 "%s: tensor \"%s\" is not F32, F16, BF16, I8, I32, I64 or F64 with at most %d dimensions",
                 graph->label, value, TING_MAX_DIMS);
    FAIL(TING_ERR_NOT_FOUND, "%s: no constant tensor \"%s\"", graph->label, value);
out:
    return err;
}

/* The first link of a value, or count when there is none. */
static size_t first_link(const ting_onnx_link *links, size_t count, const char *value)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(links[middle].value, value) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int ting_onnx_producer(const ting_onnx *graph, const char *value)
{
    size_t i = first_link(graph->producers, graph->producer_count, value);
    bool found = *value != '\0' && i < graph->producer_count && strcmp(graph->producers[i].value, value) == 0;
    return found ? graph->producers[i].node : -1;
}

size_t ting_onnx_consumers(const ting_onnx *graph, const char *value, const ting_onnx_link **first)
{
    size_t start = first_link(graph->consumers, graph->consumer_count, value), end = start;
    while (*value != '\0' && end < graph->consumer_count && strcmp(graph->consumers[end].value, value) == 0)
        end++;
    *first = graph->consumers + start;
    return end - start;
}

const char *ting_onnx_metadata(const ting_onnx *graph, const char *key)
{
    const TingOnnx__ModelProto *model = graph->proto;
    for (size_t i = 0; i < model->n_metadata_props; i++)
        if (strcmp(or_empty(model->metadata_props[i]->key), key) == 0)
            return or_empty(model->metadata_props[i]->value);
    return NULL;
}

int64_t ting_onnx_integer(const ting_onnx_node *node, const char *name, int64_t otherwise)
{
    const TingOnnx__AttributeProto *attribute = find_attribute(node->proto, name);
    return attribute != NULL && attribute->has_i ? attribute->i : otherwise;
}
