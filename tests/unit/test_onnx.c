/* SPDX-License-Identifier: Apache-2.0 */
/* test_onnx.c - a graph packed here is read back; damage, truncation, failing allocations; public graphs. */
#include "support/failing.h"
#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "model/onnx.h"
#include "onnx.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* y = x W (raw f32 [2, 3]) with a Constant scale, an int8 tensor in int32_data, and a bool tensor. */
typedef struct sample {
    TingOnnx__TensorProto weight, narrow, flag, constant;
    TingOnnx__AttributeProto value, axis;
    TingOnnx__NodeProto make, matmul, transpose;
    TingOnnx__DimensionProto batch, three;
    TingOnnx__TensorShapeProto shape;
    TingOnnx__TensorTypeProto tensor_type;
    TingOnnx__TypeProto type;
    TingOnnx__ValueInfoProto x, y;
    TingOnnx__StringStringEntryProto metadata, external;
    TingOnnx__GraphProto graph;
    TingOnnx__ModelProto model;
    TingOnnx__TensorProto *tensors[3];
    TingOnnx__AttributeProto *make_attributes[1], *matmul_attributes[1];
    TingOnnx__NodeProto *nodes[3];
    TingOnnx__DimensionProto *dims[2];
    TingOnnx__ValueInfoProto *inputs[1], *outputs[1];
    TingOnnx__StringStringEntryProto *props[1], *externals[1];
    char *make_out[1], *matmul_in[2], *matmul_out[1], *transpose_in[1], *transpose_out[1];
    int64_t weight_dims[2];
    int32_t narrow_data[2];
    float weights[6], scale[1];
    unsigned char flags[1];
} sample;

static char S[] = "s", X[] = "x", Y[] = "y", W[] = "w", Q[] = "q", FLAG[] = "flag", MID[] = "mid";
static char CONSTANT[] = "Constant", MATMUL[] = "MatMul", TRANSPOSE[] = "Transpose", VALUE[] = "value";
static char AXIS[] = "axis", KEY[] = "model_type", TYPE[] = "zipformer2", N[] = "N";

static void tensors_of(sample *s)
{
    ting_onnx__tensor_proto__init(&s->weight);
    s->weight.name = W;
    s->weight.has_data_type = s->weight.has_raw_data = true;
    s->weight.data_type = 1;
    s->weight_dims[0] = 2, s->weight_dims[1] = 3;
    s->weight.dims = s->weight_dims;
    s->weight.n_dims = 2;
    for (int i = 0; i < 6; i++)
        s->weights[i] = (float)i;
    s->weight.raw_data = (ProtobufCBinaryData){sizeof s->weights, (uint8_t *)s->weights};
    ting_onnx__tensor_proto__init(&s->narrow);
    s->narrow.name = Q;
    s->narrow.has_data_type = true;
    s->narrow.data_type = 3;
    s->narrow_data[0] = -7, s->narrow_data[1] = 127;
    static int64_t two[1] = {2};
    s->narrow.dims = two;
    s->narrow.n_dims = 1;
    s->narrow.int32_data = s->narrow_data;
    s->narrow.n_int32_data = 2;
    ting_onnx__tensor_proto__init(&s->flag);
    s->flag.name = FLAG;
    s->flag.has_data_type = s->flag.has_raw_data = true;
    s->flag.data_type = 9;
    s->flag.raw_data = (ProtobufCBinaryData){1, s->flags};
    ting_onnx__tensor_proto__init(&s->constant);
    s->constant.has_data_type = true;
    s->constant.data_type = 1;
    s->scale[0] = 0.25f;
    s->constant.float_data = s->scale;
    s->constant.n_float_data = 1;
}

static void nodes_of(sample *s)
{
    ting_onnx__attribute_proto__init(&s->value);
    s->value.name = VALUE;
    s->value.t = &s->constant;
    ting_onnx__attribute_proto__init(&s->axis);
    s->axis.name = AXIS;
    s->axis.has_i = true;
    s->axis.i = -1;
    ting_onnx__node_proto__init(&s->make);
    s->make.op_type = CONSTANT;
    s->make.output = s->make_out, s->make_out[0] = S, s->make.n_output = 1;
    s->make.attribute = s->make_attributes, s->make_attributes[0] = &s->value, s->make.n_attribute = 1;
    ting_onnx__node_proto__init(&s->matmul);
    s->matmul.op_type = MATMUL;
    s->matmul.input = s->matmul_in, s->matmul_in[0] = X, s->matmul_in[1] = W, s->matmul.n_input = 2;
    s->matmul.output = s->matmul_out, s->matmul_out[0] = MID, s->matmul.n_output = 1;
    s->matmul.attribute = s->matmul_attributes, s->matmul_attributes[0] = &s->axis, s->matmul.n_attribute = 1;
    ting_onnx__node_proto__init(&s->transpose);
    s->transpose.op_type = TRANSPOSE;
    s->transpose.input = s->transpose_in, s->transpose_in[0] = MID, s->transpose.n_input = 1;
    s->transpose.output = s->transpose_out, s->transpose_out[0] = Y, s->transpose.n_output = 1;
}

static void ports_of(sample *s)
{
    ting_onnx__dimension_proto__init(&s->batch);
    s->batch.dim_param = N;
    ting_onnx__dimension_proto__init(&s->three);
    s->three.has_dim_value = true;
    s->three.dim_value = 3;
    ting_onnx__tensor_shape_proto__init(&s->shape);
    s->shape.dim = s->dims, s->dims[0] = &s->batch, s->dims[1] = &s->three, s->shape.n_dim = 2;
    ting_onnx__tensor_type_proto__init(&s->tensor_type);
    s->tensor_type.shape = &s->shape;
    ting_onnx__type_proto__init(&s->type);
    s->type.tensor_type = &s->tensor_type;
    ting_onnx__value_info_proto__init(&s->x);
    s->x.name = X;
    s->x.type = &s->type;
    ting_onnx__value_info_proto__init(&s->y);
    s->y.name = Y;
}

static void make(sample *s)
{
    *s = (sample){0};
    tensors_of(s);
    nodes_of(s);
    ports_of(s);
    ting_onnx__string_string_entry_proto__init(&s->metadata);
    s->metadata.key = KEY, s->metadata.value = TYPE;
    ting_onnx__string_string_entry_proto__init(&s->external);
    s->externals[0] = &s->external;
    ting_onnx__graph_proto__init(&s->graph);
    s->graph.initializer = s->tensors, s->graph.n_initializer = 3;
    s->tensors[0] = &s->weight, s->tensors[1] = &s->narrow, s->tensors[2] = &s->flag;
    s->graph.node = s->nodes, s->graph.n_node = 3;
    s->nodes[0] = &s->make, s->nodes[1] = &s->matmul, s->nodes[2] = &s->transpose;
    s->graph.input = s->inputs, s->inputs[0] = &s->x, s->graph.n_input = 1;
    s->graph.output = s->outputs, s->outputs[0] = &s->y, s->graph.n_output = 1;
    ting_onnx__model_proto__init(&s->model);
    s->model.graph = &s->graph;
    s->model.metadata_props = s->props, s->props[0] = &s->metadata, s->model.n_metadata_props = 1;
}

static unsigned char *pack(const sample *s, size_t *size)
{
    *size = ting_onnx__model_proto__get_packed_size(&s->model);
    unsigned char *bytes = ting_alloc(*size, 1);
    ting_onnx__model_proto__pack(&s->model, bytes);
    return bytes;
}

static void a_graph_can_be_walked(void **state)
{
    (void)state;
    sample s;
    size_t size;
    make(&s);
    unsigned char *bytes = pack(&s, &size);
    ting_onnx graph;
    assert_ok(ting_onnx_parse(bytes, size, "g.onnx", &graph));
    ting_free(bytes); /* nothing may point into it */
    assert_int_equal(graph.node_count, 3);
    int node = ting_onnx_producer(&graph, "y");
    assert_string_equal(graph.nodes[node].op, "Transpose");
    node = ting_onnx_producer(&graph, graph.nodes[node].inputs[0]);
    assert_string_equal(graph.nodes[node].op, "MatMul");
    assert_true(ting_onnx_integer(&graph.nodes[node], "axis", 5) == -1);
    assert_true(ting_onnx_integer(&graph.nodes[node], "absent", 5) == 5);
    ting_stored w, scale, narrow;
    assert_ok(ting_onnx_tensor(&graph, graph.nodes[node].inputs[1], &w));
    assert_true(w.shape[0] == 2 && w.shape[1] == 3 && ting_stored_value(&w, 5) == 5);
    assert_ok(ting_onnx_tensor(&graph, "s", &scale));
    assert_true(scale.dims == 0 && ting_stored_value(&scale, 0) == 0.25);
    assert_ok(ting_onnx_tensor(&graph, "q", &narrow));
    assert_true(ting_stored_value(&narrow, 0) == -7 && ting_stored_value(&narrow, 1) == 127);
    assert_fails(TING_ERR_UNSUPPORTED, "g.onnx: tensor \"flag\"", ting_onnx_tensor(&graph, "flag", &w));
    assert_fails(TING_ERR_NOT_FOUND, "no constant tensor \"x\"", ting_onnx_tensor(&graph, "x", &w));
    assert_int_equal(ting_onnx_producer(&graph, "x"), -1);
    assert_int_equal(graph.nodes[node].output_count, 1);
    assert_string_equal(graph.nodes[node].outputs[TING_ONNX_SLOTS - 1], ""); /* may be read, though there is none */
    assert_int_equal(ting_onnx_producer(&graph, ""), -1);
    const ting_onnx_link *link;
    assert_int_equal(ting_onnx_consumers(&graph, "mid", &link), 1);
    assert_string_equal(graph.nodes[link->node].op, "Transpose");
    assert_int_equal(ting_onnx_consumers(&graph, "y", &link), 0);
    assert_string_equal(ting_onnx_metadata(&graph, "model_type"), "zipformer2");
    assert_null(ting_onnx_metadata(&graph, "absent"));
    assert_true(graph.inputs[0].dims == 2 && graph.inputs[0].shape[0] == -1 && graph.inputs[0].shape[1] == 3);
    assert_string_equal(graph.outputs[0].name, "y");
    ting_onnx_close(&graph);
}

static ting_err parse(const sample *s)
{
    size_t size;
    unsigned char *bytes = pack(s, &size);
    ting_onnx graph;
    ting_err err = ting_onnx_parse(bytes, size, "g.onnx", &graph);
    ting_onnx_close(&graph);
    ting_free(bytes);
    return err;
}

static void damage_is_named(void **state)
{
    (void)state;
    sample s;
    make(&s), s.weight.raw_data.len = 20;
    assert_fails(TING_ERR_FORMAT, "\"w\": its shape and type F32 need 24 bytes, the file gives 20", parse(&s));
    make(&s), s.weight_dims[0] = -2;
    assert_fails(TING_ERR_FORMAT, "\"w\": dimension 0 is -2", parse(&s));
    make(&s), s.weight_dims[0] = s.weight_dims[1] = INT64_MAX;
    assert_fails(TING_ERR_FORMAT, "2^40", parse(&s));
    make(&s), s.weight.external_data = s.externals, s.weight.n_external_data = 1;
    assert_fails(TING_ERR_UNSUPPORTED, "data stand in another file", parse(&s));
    make(&s), s.narrow.name = W;
    assert_fails(TING_ERR_FORMAT, "\"w\" stands twice", parse(&s));
    make(&s), s.transpose_out[0] = MID;
    assert_fails(TING_ERR_FORMAT, "two nodes make the value \"mid\"", parse(&s));
    make(&s), s.matmul_in[0] = Y;
    assert_fails(TING_ERR_FORMAT, "the value \"y\" is used before it is made", parse(&s));
    make(&s), s.model.graph = NULL;
    assert_fails(TING_ERR_FORMAT, "g.onnx: not an ONNX file: it has no graph", parse(&s));
    ting_onnx graph;
    assert_fails(TING_ERR_FORMAT, "no protobuf message", ting_onnx_parse("RIFF....WAVE", 12, "a.wav", &graph));
}

/* A message may end early at the border of two fields of the model itself; elsewhere a cut is damage. */
static void truncations_never_pass_for_the_whole(void **state)
{
    (void)state;
    sample s;
    size_t size;
    make(&s);
    unsigned char *bytes = pack(&s, &size);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = ting_alloc(cut, 1); /* exact size: a read beyond it shows under ASan */
        memcpy(part, bytes, cut);
        ting_onnx graph;
        if (ting_onnx_parse(part, cut, "g.onnx", &graph) == TING_OK)
            assert_null(ting_onnx_metadata(&graph, "model_type"));
        ting_onnx_close(&graph);
        ting_free(part);
    }
    ting_free(bytes);
}

typedef struct packed {
    unsigned char *bytes;
    size_t size;
} packed;

static ting_err parse_packed(void *arg)
{
    const packed *p = arg;
    ting_onnx graph;
    ting_err err = ting_onnx_parse(p->bytes, p->size, "g.onnx", &graph);
    ting_onnx_close(&graph);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    sample s;
    packed p;
    make(&s);
    p.bytes = pack(&s, &p.size);
    assert_true(ting_fail_each_allocation(parse_packed, &p) >= 8);
    ting_free(p.bytes);
}

static void public_graphs_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *path, *metadata, *value;
        size_t nodes;
    } cases[] = {
        {"zipformer-wenetspeech-3.3m/encoder-epoch-12-avg-2-chunk-16-left-64.int8.onnx", "num_heads", "4,4,4,8,4,4", 1647},
        {"zipformer-wenetspeech-3.3m/decoder-epoch-12-avg-2-chunk-16-left-64.onnx", "vocab_size", "197", 17},
        {"zipformer-wenetspeech-3.3m/joiner-epoch-12-avg-2-chunk-16-left-64.int8.onnx", "joiner_dim", "320", 8},
        {"punc-transformer/punc.onnx", NULL, NULL, 551},
        {"conformer-block/ctc_model.onnx", NULL, NULL, 307},
        {"silero-vad/silero_vad_16k_op15.onnx", NULL, NULL, 121},
        {"gtcrn-denoiser/gtcrn_simple.onnx", NULL, NULL, 415},
    };
    const char *models = getenv("TING_MODELS");
    int read = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = ting_path_join(models != NULL ? models : "../shared/models", cases[i].path);
        if (ting_file_exists(path)) {
            ting_onnx graph;
            assert_ok(ting_onnx_open(path, &graph));
            assert_int_equal(graph.node_count, cases[i].nodes);
            if (cases[i].metadata != NULL)
                assert_string_equal(ting_onnx_metadata(&graph, cases[i].metadata), cases[i].value);
            ting_onnx_close(&graph);
            read++;
        }
        ting_free(path);
    }
    if (read == 0)
        skip_because("no public ONNX files in TING_MODELS or ../shared/models");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_can_be_walked),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(truncations_never_pass_for_the_whole),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(public_graphs_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
