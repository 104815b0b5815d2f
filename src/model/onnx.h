/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx.h - ONNX graphs, as importers read them: initializers by name, nodes by what they produce and consume.
 *
 * Nothing is run. Initializers and the tensors of Constant nodes are one table, named by the value they
 * define. Types F32, F16, BF16, I8, I32, I64, F64 up to four dimensions; others are known by name only and
 * refused when asked for. Data outside of the file is refused.
 *
 *     ting_onnx graph;
 *     TRY(ting_onnx_open(path, &graph));
 *     int node = ting_onnx_producer(&graph, "encoder_out");
 *     while (node >= 0 && strcmp(graph.nodes[node].op, "MatMul") != 0)
 *         node = ting_onnx_producer(&graph, graph.nodes[node].inputs[0]);
 *     TRY(ting_onnx_tensor(&graph, graph.nodes[node].inputs[1], &weight));
 */
#ifndef TING_MODEL_ONNX_H
#define TING_MODEL_ONNX_H

#include "base/arena.h"
#include "model/table.h"

#include <stdbool.h>

enum { TING_ONNX_DIMS = 8, TING_ONNX_SLOTS = 4 };

typedef struct ting_onnx_node {
    const char *op;     /* "MatMul"; never NULL */
    const char *name;   /* "" when it has none */
    /* Names of values; "" for one left out. At least TING_ONNX_SLOTS of each may be read, whatever the counts: those that
     * a damaged graph lacks are "" too. */
    const char *const *inputs;
    size_t input_count;
    const char *const *outputs;
    size_t output_count;
    const void *proto;  /* the message, for the attribute functions */
} ting_onnx_node;

typedef struct ting_onnx_port { /* an input or output of the graph */
    const char *name;
    int dims;
    int64_t shape[TING_ONNX_DIMS]; /* -1: not fixed */
} ting_onnx_port;

typedef struct ting_onnx_link { /* a value and a node that touches it, for the indexes */
    const char *value;
    int node;
} ting_onnx_link;

typedef struct ting_onnx {
    char *label;
    ting_arena *arena; /* holds the message */
    const void *proto;
    ting_onnx_node *nodes; /* [node_count] in the file's order: every value is defined before its use */
    size_t node_count;
    ting_onnx_port *inputs, *outputs;
    size_t input_count, output_count;
    ting_table table;
    const char **unread; /* [unread_count] tensors of other types or more dimensions */
    size_t unread_count, unread_room;
    ting_onnx_link *producers, *consumers; /* sorted by value, then node */
    size_t producer_count, consumer_count;
} ting_onnx;

/* Reads and checks a file; `out` is zeroed on failure. Errors: io, format, unsupported (external data),
 * memory; the path comes first. Immutable afterwards. */
ting_err ting_onnx_open(const char *path, ting_onnx *out);

/* The same for bytes in memory, which are not needed afterwards. */
ting_err ting_onnx_parse(const void *bytes, size_t size, const char *label, ting_onnx *out);
void ting_onnx_close(ting_onnx *graph);

/* A constant by the name of its value; borrows until close. Errors: not found; unsupported. */
ting_err ting_onnx_tensor(const ting_onnx *graph, const char *value, ting_stored *out);
bool ting_onnx_has_tensor(const ting_onnx *graph, const char *value);

/* The node that makes a value, or -1 (inputs, initializers, ""). */
int ting_onnx_producer(const ting_onnx *graph, const char *value);

/* The nodes that read a value, in order: returns how many, the first at *first. */
size_t ting_onnx_consumers(const ting_onnx *graph, const char *value, const ting_onnx_link **first);

/* A text of metadata_props, or NULL. */
const char *ting_onnx_metadata(const ting_onnx *graph, const char *key);

/* An integer attribute of a node, or what is said otherwise. */
int64_t ting_onnx_integer(const ting_onnx_node *node, const char *name, int64_t otherwise);

#endif
