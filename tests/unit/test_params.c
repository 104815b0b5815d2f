/* SPDX-License-Identifier: Apache-2.0 */
/* test_params.c - declaring, allocating and loading parameters: every stored type, wrong shapes, missing tensors. */
#include "support/support.h"
#include "support/failing.h"

#include "kern/kern.h"
#include "nn/op.h"
#include "nn/param.h"

#include <math.h>
#include <string.h>

enum { N = 3, K = 64, COUNT = N * K };

/* A source of one weight and one bias. */
typedef struct store {
    ting_stored weight, bias;
} store;

static ting_err find(void *self, const char *name, ting_stored *out)
{
    const store *s = self;
    if (strcmp(name, "fc.weight") != 0 && strcmp(name, "fc.bias") != 0)
        return ting_fail(TING_ERR_NOT_FOUND, "no tensor \"%s\"", name);
    *out = strcmp(name, "fc.weight") == 0 ? s->weight : s->bias;
    return TING_OK;
}

static double value(int i)
{
    return (double)(i % 17 - 8) / 8; /* exact in every type */
}

static uint16_t half(double x) /* exact small multiples of 1 / 8 */
{
    if (x == 0)
        return 0;
    int exponent;
    double fraction = frexp(fabs(x), &exponent); /* 0.5 .. 1 */
    return (uint16_t)((x < 0 ? 0x8000 : 0) | (exponent - 1 + 15) << 10 | (int)((2 * fraction - 1) * 1024));
}

static uint16_t brain(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* The weight in one type, at an odd address if `shift`; returns it with the right number of bytes. */
static ting_stored stored_weight(ting_dtype dtype, unsigned char *room, int shift, float scale[N])
{
    ting_stored out = {.dtype = dtype, .dims = 2, .shape = {N, K}, .data = room + shift};
    unsigned char *at = room + shift;
    out.bytes = ting_dtype_bytes(dtype, COUNT);
    for (int i = 0; i < COUNT; i++) {
        float f32 = (float)value(i);
        double f64 = value(i);
        uint16_t f16 = half(f64), bf16 = brain(f32);
        int32_t i32 = i % 17 - 8;
        int64_t i64 = i % 17 - 8;
        switch (dtype) {
        case TING_DTYPE_F32: memcpy(at + 4 * i, &f32, 4); break;
        case TING_DTYPE_F64: memcpy(at + 8 * i, &f64, 8); break;
        case TING_DTYPE_F16: memcpy(at + 2 * i, &f16, 2); break;
        case TING_DTYPE_BF16: memcpy(at + 2 * i, &bf16, 2); break;
        case TING_DTYPE_I32: memcpy(at + 4 * i, &i32, 4); break;
        case TING_DTYPE_I64: memcpy(at + 8 * i, &i64, 8); break;
        case TING_DTYPE_I8: at[i] = (unsigned char)(i % 17 - 8); break;
        case TING_DTYPE_Q8_0: at[i / 32 * 34 + 2 + i % 32] = (unsigned char)(i % 17 - 8); break;
        case TING_DTYPE_COUNT: break;
        }
    }
    const uint16_t eighth = half(0.125);
    for (int block = 0; dtype == TING_DTYPE_Q8_0 && block < COUNT / 32; block++)
        memcpy(at + block * 34, &eighth, 2);
    for (int j = 0; j < N; j++)
        scale[j] = 0.125f;
    out.scale = dtype == TING_DTYPE_I8 ? scale : NULL;
    return out;
}

static const float bias_values[N] = {1, -2, 0.5f};
static const ting_stored stored_bias = {.dtype = TING_DTYPE_F32, .dims = 1, .shape = {N}, .data = bias_values, .bytes = 12};

static ting_params *declared(const ting_param **w, const ting_param **b)
{
    ting_params *params = ting_params_new();
    assert_non_null(params);
    *w = ting_params_add(params, TING_PARAM_MATRIX, 3, (int[]){N, K, 1}, "fc.%s", "weight");
    *b = ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){N}, "fc.bias");
    assert_true(*w != NULL && *b != NULL);
    return params;
}

/* Each type, aligned and not, packed and kept: the same linear map. */
static void every_type_loads(void **state)
{
    (void)state;
    static unsigned char room[8 * COUNT + 8];
    ting_arena *arena = ting_arena_new(1 << 16);
    const ting_kern *kern = ting_kern_select(ting_cpu_detect());
    for (int dtype = 0; dtype < TING_DTYPE_COUNT; dtype++) {
        const double unit = dtype == TING_DTYPE_I32 || dtype == TING_DTYPE_I64 ? 8 : 1; /* whole numbers there */
        for (int way = 0; way < 4; way++) { /* bit 0: odd address, bit 1: keep values */
            float scale[N];
            store s = {stored_weight((ting_dtype)dtype, room, way & 1, scale), stored_bias};
            ting_source source = {.find = find, .self = &s, .label = "test.gguf"};
            const ting_param *w, *b;
            ting_params *params = declared(&w, &b);
            ting_load_options options = {.kern = kern, .precision = TING_PRECISION_F32, .keep_values = way >= 2};
            assert_ok(ting_params_load(params, &source, &options));
            assert_true(w->packed != NULL && (w->t.data != NULL) == (way >= 2));
            ting_arena_reset(arena);
            ting_ctx ctx = {.arena = arena, .kern = kern};
            ting_tensor x = ting_ctx_output(&ctx, 1, K);
            for (int c = 0; c < K; c++)
                x.data[c] = c % 5 - 2;
            ting_tensor y = ting_linear(&ctx, x, w, b, TING_ACT_NONE);
            assert_ok(ctx.err);
            for (int j = 0; j < N; j++) {
                double want = (double)bias_values[j];
                for (int c = 0; c < K; c++) {
                    want += (c % 5 - 2) * unit * value(j * K + c);
                    if (w->t.data != NULL)
                        assert_true((double)w->t.data[j * K + c] == unit * value(j * K + c));
                }
                assert_true(fabs((double)y.data[j] - want) < 1e-4 * (1 + fabs(want))); /* sums of 64 exact eighths */
            }
            ting_params_free(params);
        }
    }
    ting_arena_free(arena);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static unsigned char room[8 * COUNT];
    float scale[N];
    const store good = {stored_weight(TING_DTYPE_F32, room, 0, scale), stored_bias};
    store s = good;
    ting_source source = {.find = find, .self = &s, .label = "test.gguf"};
    const ting_param *w, *b;
    ting_params *params = declared(&w, &b);
    ting_load_options options = {.kern = ting_kern_select(ting_cpu_detect())};
    s.weight.shape[0] = K;
    s.weight.shape[1] = N;
    assert_fails(TING_ERR_MODEL, "test.gguf: the tensor \"fc.weight\" has the shape [64, 3], expected [3, 64, 1]",
                 ting_params_load(params, &source, &options));
    assert_null(b->t.data); /* nothing half loaded */
    s = good;
    s.bias.bytes = 8;
    assert_fails(TING_ERR_FORMAT, "\"fc.bias\" has 8 bytes, expected 12", ting_params_load(params, &source, &options));
    s = good;
    s.bias.dims = 0; /* one element */
    assert_fails(TING_ERR_MODEL, "the shape [], expected [3]", ting_params_load(params, &source, &options));
    s = good;
    assert_ok(ting_params_load(params, &source, &options));
    assert_null(ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){N}, "fc.bias"));
    assert_fails(TING_ERR_INTERNAL, "declared twice", ting_params_load(params, &source, &options));
    ting_params_free(params);
    params = declared(&w, &b);
    ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){N}, "other");
    assert_fails(TING_ERR_MODEL, "the tensor \"other\", which this network needs, is missing",
                 ting_params_load(params, &source, &options));
    ting_params_free(params);
    params = ting_params_new();
    assert_null(ting_params_add(params, TING_PARAM_VALUES, 2, (int[]){1 << 20, 1 << 20}, "huge"));
    assert_fails(TING_ERR_INTERNAL, "\"huge\" has more than", ting_params_alloc(params, false));
    ting_params_free(params);
}

/* Dimensions of 1 do not matter for the shape, but they do for the scales, of which there is one for each shape[0]. */
static void scales_go_with_the_rows(void **state)
{
    (void)state;
    static unsigned char room[8 * COUNT];
    static const float one[1] = {0.5f};
    static const signed char scalar[1] = {-3};
    float scale[N];
    store s = {stored_weight(TING_DTYPE_I8, room, 0, scale), stored_bias};
    ting_source source = {.find = find, .self = &s, .label = "test.gguf"};
    ting_load_options options = {.kern = ting_kern_select(ting_cpu_detect()), .precision = TING_PRECISION_F32};
    const ting_param *w, *b;
    ting_params *params = declared(&w, &b); /* [N, K, 1] */
    assert_ok(ting_params_load(params, &source, &options));
    s.weight.dims = 3;
    memcpy(s.weight.shape, (int64_t[]){1, N, K}, 3 * sizeof(int64_t));
    s.weight.scale = one;
    assert_fails(TING_ERR_MODEL, "the int8 tensor \"fc.weight\" has 1 scales, expected 3",
                 ting_params_load(params, &source, &options));
    s.weight.scale = NULL; /* plain integers have none */
    assert_ok(ting_params_load(params, &source, &options));
    ting_params_free(params);

    params = ting_params_new(); /* [K] for [1, K] */
    ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){1, K}, "fc.weight");
    static const float many[K] = {0};
    s.weight = (ting_stored){.dtype = TING_DTYPE_I8, .dims = 1, .shape = {K}, .data = room, .bytes = K, .scale = many};
    assert_fails(TING_ERR_MODEL, "has 64 scales, expected 1", ting_params_load(params, &source, &options));
    ting_params_free(params);

    params = ting_params_new(); /* a single value has one scale, too */
    const ting_param *value = ting_params_add(params, TING_PARAM_VALUES, 0, NULL, "fc.weight");
    s.weight = (ting_stored){.dtype = TING_DTYPE_I8, .data = scalar, .bytes = 1, .scale = one};
    assert_ok(ting_params_load(params, &source, &options));
    assert_true(value->t.data[0] == (ting_real)-1.5);
    ting_params_free(params);
}

static void flat_blocks_hold_all(void **state)
{
    (void)state;
    const ting_param *w, *b;
    ting_params *params = declared(&w, &b);
    ting_params_find(params, "fc.bias")->frozen = true;
    const ting_param *running = ting_params_add(params, TING_PARAM_STATISTICS, 1, (int[]){N}, "running_mean");
    assert_true(running != NULL && running->frozen);
    assert_ok(ting_params_alloc(params, true));
    assert_int_equal(ting_params_elements(params), COUNT + 2 * N);
    assert_ptr_equal(running->t.data, ting_params_values(params) + running->offset);
    assert_null(running->t.grad);
    assert_ptr_equal(w->t.data, ting_params_values(params) + w->offset);
    assert_ptr_equal(w->t.grad, ting_params_gradients(params) + w->offset);
    assert_null(b->t.grad);
    assert_int_equal(ting_param_row(b).cols, N);
    w->t.grad[5] = 3;
    ting_params_zero_gradients(params);
    assert_true(w->t.grad[5] == 0);
    ting_params_free(params);
}

/* A start from another file: what fits is taken, what does not stays. */
static void one_parameter_is_read(void **state)
{
    (void)state;
    static unsigned char room[8 * COUNT];
    float scale[N];
    store s = {stored_weight(TING_DTYPE_F16, room, 0, scale), stored_bias};
    ting_source source = {.find = find, .self = &s, .label = "test.gguf"};
    const ting_param *w, *b;
    ting_params *params = declared(&w, &b);
    assert_ok(ting_params_alloc(params, false));
    assert_ok(ting_param_read(ting_params_find(params, "fc.weight"), &source));
    for (int i = 0; i < COUNT; i++)
        assert_true((double)w->t.data[i] == value(i));
    s.bias.shape[0] = N + 1;
    assert_fails(TING_ERR_MODEL, "the shape [4], expected [3]", ting_param_read(ting_params_find(params, "fc.bias"), &source));
    assert_true(b->t.data[0] == 0);
    ting_params_free(params);
}

static ting_err load_once(void *arg)
{
    ting_err err = TING_OK;
    ting_params *params = ting_params_new();
    if (params == NULL)
        return TING_ERR_MEMORY;
    ting_params_add(params, TING_PARAM_MATRIX, 2, (int[]){N, K}, "fc.weight");
    ting_params_add(params, TING_PARAM_VALUES, 1, (int[]){N}, "fc.bias");
    ting_load_options options = {.kern = ting_kern_select(ting_cpu_detect()), .precision = TING_PRECISION_INT8};
    TRY(ting_params_load(params, arg, &options));
out:
    ting_params_free(params);
    return err;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    static unsigned char room[8 * COUNT];
    float scale[N];
    store s = {stored_weight(TING_DTYPE_Q8_0, room, 0, scale), stored_bias};
    ting_source source = {.find = find, .self = &s, .label = "test.gguf"};
    assert_true(ting_fail_each_allocation(load_once, &source) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_loads),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(scales_go_with_the_rows),
        cmocka_unit_test(flat_blocks_hold_all),
        cmocka_unit_test(one_parameter_is_read),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
