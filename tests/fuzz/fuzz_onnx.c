/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_onnx.c - ONNX: parsing, then walking over every value and attribute. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "model/onnx.h"
#include "onnx.pb-c.h"

static void walk(const ting_onnx *graph)
{
    for (size_t n = 0; n < graph->node_count; n++) {
        const ting_onnx_node *node = &graph->nodes[n];
        ting_onnx_integer(node, "axis", 0);
        for (size_t i = 0; i < node->input_count; i++) {
            ting_stored tensor;
            const ting_onnx_link *first;
            ting_onnx_producer(graph, node->inputs[i]);
            ting_onnx_consumers(graph, node->inputs[i], &first);
            if (ting_onnx_tensor(graph, node->inputs[i], &tensor) == TING_OK && ting_stored_elements(&tensor) > 0)
                ting_stored_value(&tensor, ting_stored_elements(&tensor) - 1);
        }
    }
    ting_onnx_metadata(graph, "model_type");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_onnx graph;
    ting_err err = ting_onnx_parse(bytes, size, "fuzz", &graph);
    ting_free(bytes); /* the graph must not need them */
    if (err == TING_OK)
        walk(&graph);
    ting_onnx_close(&graph);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static char x[] = "x", y[] = "y", w[] = "w", q[] = "q", matmul[] = "MatMul", axis[] = "axis", key[] = "k";
    float values[2] = {1, 2};
    int32_t narrow[1] = {-7};
    int64_t dims[2] = {1, 2}, one[1] = {1};
    TingOnnx__TensorProto weight = TING_ONNX__TENSOR_PROTO__INIT, small = TING_ONNX__TENSOR_PROTO__INIT;
    weight.name = w, weight.has_data_type = weight.has_raw_data = 1, weight.data_type = 1;
    weight.dims = dims, weight.n_dims = 2, weight.raw_data = (ProtobufCBinaryData){sizeof values, (uint8_t *)values};
    small.name = q, small.has_data_type = 1, small.data_type = 3;
    small.dims = one, small.n_dims = 1, small.int32_data = narrow, small.n_int32_data = 1;
    TingOnnx__AttributeProto attribute = TING_ONNX__ATTRIBUTE_PROTO__INIT, *attributes[] = {&attribute};
    attribute.name = axis, attribute.has_i = 1, attribute.i = -1;
    TingOnnx__NodeProto node = TING_ONNX__NODE_PROTO__INIT, *nodes[] = {&node};
    node.op_type = matmul, node.input = (char *[]){x, w}, node.n_input = 2;
    node.output = (char *[]){y}, node.n_output = 1, node.attribute = attributes, node.n_attribute = 1;
    TingOnnx__DimensionProto dimension = TING_ONNX__DIMENSION_PROTO__INIT, *dimensions[] = {&dimension};
    dimension.has_dim_value = 1, dimension.dim_value = 2;
    TingOnnx__TensorShapeProto shape = TING_ONNX__TENSOR_SHAPE_PROTO__INIT;
    shape.dim = dimensions, shape.n_dim = 1;
    TingOnnx__TensorTypeProto tensor_type = TING_ONNX__TENSOR_TYPE_PROTO__INIT;
    tensor_type.shape = &shape;
    TingOnnx__TypeProto type = TING_ONNX__TYPE_PROTO__INIT;
    type.tensor_type = &tensor_type;
    TingOnnx__ValueInfoProto port = TING_ONNX__VALUE_INFO_PROTO__INIT, *ports[] = {&port};
    port.name = x, port.type = &type;
    TingOnnx__StringStringEntryProto entry = TING_ONNX__STRING_STRING_ENTRY_PROTO__INIT, *entries[] = {&entry};
    entry.key = key, entry.value = x;
    TingOnnx__TensorProto *tensors[] = {&weight, &small};
    TingOnnx__GraphProto graph = TING_ONNX__GRAPH_PROTO__INIT;
    graph.node = nodes, graph.n_node = 1, graph.initializer = tensors, graph.n_initializer = 2;
    graph.input = ports, graph.n_input = 1;
    TingOnnx__ModelProto model = TING_ONNX__MODEL_PROTO__INIT;
    model.graph = &graph, model.metadata_props = entries, model.n_metadata_props = 1;
    unsigned char bytes[1024];
    if (ting_onnx__model_proto__get_packed_size(&model) <= sizeof bytes)
        take(self, bytes, ting_onnx__model_proto__pack(&model, bytes));
}
