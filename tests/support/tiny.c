/* SPDX-License-Identifier: Apache-2.0 */
/* tiny.c - see tiny.h. */
#include "support/tiny.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/am_file.h"
#include "model/p2h_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const ting_zipformer_config encoder_config = {
    .features = 40, .embed_channels = {2, 4, 8}, .stacks = 2,
    .stack = {{.layers = 1, .dim = 16, .heads = 2, .query_dim = 4, .value_dim = 4, .pos_head_dim = 2, .feedforward = 32,
               .kernel = 7, .downsampling = 1},
              {.layers = 1, .dim = 16, .heads = 2, .query_dim = 4, .value_dim = 4, .pos_head_dim = 2, .feedforward = 32,
               .kernel = 5, .downsampling = 2}},
    .pos_dim = 8, .output_downsampling = 2, .causal = true, .chunk = 16, .left = 32};
static const char *const tokens[] = {"<blk>", "zh", "ōng", "g", "uó", "ǎo", "n", "ǐ", "<unk>"};
static const ting_transducer_config transducer_config = {
    .vocab = 9, .context = 2, .decoder_dim = 16, .joiner_dim = 16, .groups = 4, .blank = 0};

/* Matrices with variance 1 / inputs, so that sizes neither grow nor fade; a bias that favours blank. */
static void fill(ting_params *params, unsigned seed)
{
    ting_rng rng = ting_rng_new(seed, 1);
    for (int i = 0; i < ting_params_count(params); i++) {
        ting_param *p = ting_params_at(params, i);
        size_t count = (size_t)p->t.rows * (size_t)p->t.cols;
        bool matrix = p->dims > 1;
        for (size_t k = 0; k < count; k++)
            p->t.data[k] = (ting_real)(ting_rng_normal(&rng) * (matrix ? 1.5 / sqrt(p->t.cols) : 0.1));
        if (strstr(p->name, "output_linear.bias") != NULL)
            p->t.data[transducer_config.blank] = (ting_real)0.8;
    }
}

/* What fill() knows nothing of: layer and batch norms have weights and variances near 1, CTC heads favour blank too. */
static void settle(ting_am_net *net)
{
    for (int i = 0; i < ting_params_count(net->params); i++) {
        ting_param *p = ting_params_at(net->params, i);
        const size_t count = (size_t)p->t.rows * (size_t)p->t.cols, length = strlen(p->name);
        const bool norm = p->dims == 1 && length > 7 && strcmp(p->name + length - 7, ".weight") == 0;
        for (size_t k = 0; k < count && (norm || p->role == TING_PARAM_STATISTICS); k++)
            p->t.data[k] = (ting_real)(norm ? 1 + (double)p->t.data[k] : fabs(1 + (double)p->t.data[k]));
    }
    if (net->config.ctc.vocab > 0)
        net->ctc.output.bias->t.data[net->config.ctc.blank] = (ting_real)0.8;
}

ting_err ting_tiny_net(const ting_am_config *config, unsigned seed, ting_am_net **net)
{
    ting_err err = TING_OK;
    TRY(ting_am_net_new(config, net));
    TRY(ting_params_alloc((*net)->params, false));
    fill((*net)->params, seed);
    settle(*net);
out:
    return err;
}

ting_err ting_tiny_net_save(const char *path, unsigned seed, const ting_am_config *config, const ting_am_about *about)
{
    ting_err err = TING_OK;
    ting_am_net *net = NULL;
    TRY(ting_tiny_net(config, seed, &net));
    TRY(ting_am_save(path, net, about, TING_DTYPE_F32));
out:
    ting_am_net_free(net);
    return err;
}

static ting_err add_am(ting_gguf_writer *writer, unsigned seed, ting_am_net **net)
{
    ting_err err = TING_OK;
    const ting_am_config config = {.encoder = {.kind = TING_ENCODER_ZIPFORMER, .zipformer = encoder_config},
                                   .transducer = transducer_config};
    TRY(ting_tiny_net(&config, seed, net));
    TRY(ting_am_put(writer, *net, &(ting_am_about){.name = "tiny", .features = "icefall bins=40", .tokens = tokens,
                                                   .token_count = sizeof tokens / sizeof tokens[0], .licence = "Apache-2.0"},
                    TING_DTYPE_F32));
out:
    return err;
}

/* Every syllable that the tokens make, and characters for them, one outside the basic plane. */
static const char *const syllables[] = {"gao3", "gong1", "guo2", "nao3", "ni3", "nong1", "zhao3", "zhong1", "zhuo2"};
static const struct {
    uint32_t code;
    int syllable;
} characters[] = {{0x4E2D, 7} /* 中 */, {0x4F60, 4} /* 你 */, {0x516C, 1} /* 公 */, {0x519C, 5} /* 农 */,
                  {0x56FD, 2} /* 国 */, {0x627E, 6} /* 找 */, {0x641E, 0} /* 搞 */, {0x6D4A, 8} /* 浊 */,
                  {0x8111, 3} /* 脑 */, {0x949F, 7} /* 钟 */, {0x2070E, 4} /* 𠜎 */};
enum { SYLLABLES = sizeof syllables / sizeof syllables[0], CHARACTERS = sizeof characters / sizeof characters[0] };

static ting_err add_p2h(ting_gguf_writer *writer, unsigned seed, ting_params *params)
{
    ting_err err = TING_OK;
    static const ting_p2h_shape shape = {
        .syllables = SYLLABLES + TING_P2H_FIRST, .characters = CHARACTERS + TING_P2H_FIRST, .embedding = 8, .layers = 1,
        .layer = {.width = 16, .heads = 2, .inner = 32, .norm = TING_NORM_BEFORE, .act = TING_ACT_RELU, .eps = (ting_real)1e-5}};
    uint32_t codes[CHARACTERS];
    ting_p2h_pair pairs[CHARACTERS];
    ting_p2h_tables tables = {0};
    ting_p2h_net *net = NULL;
    for (int i = 0; i < CHARACTERS; i++) {
        codes[i] = characters[i].code;
        pairs[i] = (ting_p2h_pair){TING_P2H_FIRST + i, TING_P2H_FIRST + characters[i].syllable};
    }
    TRY(ting_p2h_tables_make(&tables, SYLLABLES, syllables, CHARACTERS, codes, CHARACTERS, pairs));
    net = ting_p2h_net_new(&shape, params);
    TRY(ting_params_alloc(params, false));
    fill(params, seed);
    TRY(ting_p2h_model_put(writer, &(ting_p2h_model){.tables = tables, .params = params, .net = net}, TING_DTYPE_F32));
out:
    ting_p2h_net_free(net);
    ting_p2h_tables_free(&tables);
    return err;
}

ting_err ting_tiny_model_save(const char *path, unsigned seed, ting_tiny_networks networks)
{
    ting_err err = TING_OK;
    ting_am_net *am = NULL;
    ting_params *p2h = ting_params_new();
    ting_gguf_writer *writer = ting_gguf_writer_new();
    static const char *const names[] = {"am", "p2h"};
    bool hears = (networks & TING_TINY_AM) != 0, writes = (networks & TING_TINY_P2H) != 0;
    if (p2h == NULL || writer == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a model");
    ting_schema_begin(writer, "tiny", hears ? names : names + 1, (size_t)hears + (size_t)writes);
    if (hears)
        TRY(add_am(writer, seed, &am));
    if (writes)
        TRY(add_p2h(writer, seed, p2h));
    TRY(ting_gguf_save(writer, path));
out:
    ting_gguf_writer_free(writer);
    ting_am_net_free(am);
    ting_params_free(p2h);
    return err;
}

void ting_tiny_sound(float *samples, size_t count)
{
    const double pi = 3.14159265358979323846;
    double phase = 0;
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / 16000;
        double pitch = 200 + 150 * sin(2 * pi * 1.3 * t) + 900 * fmod(t, 0.4);
        bool loud = fmod(t, 3.0) < 1.6;
        phase += 2 * pi * pitch / 16000;
        samples[i] = loud ? (float)(0.3 * sin(phase) + 0.1 * sin(3 * phase)) : 0;
    }
}

ting_err ting_tiny_wav_save(const char *path, const float *samples, size_t count, int rate)
{
    ting_err err = TING_OK;
    size_t bytes = 44 + 2 * count;
    unsigned char *wav = ting_alloc(bytes, 1);
    if (wav == NULL)
        return TING_ERR_MEMORY;
    const uint32_t words[] = {(uint32_t)(36 + 2 * count), 16, 0x00010001, (uint32_t)rate, (uint32_t)rate * 2, 0x00100002,
                              (uint32_t)(2 * count)};
    static const int places[] = {4, 16, 20, 24, 28, 32, 40};
    memcpy(wav, "RIFF....WAVEfmt ", 16);
    memcpy(wav + 36, "data", 4);
    for (int w = 0; w < 7; w++) {
        for (int k = 0; k < 4; k++)
            wav[places[w] + k] = (unsigned char)(words[w] >> (8 * k));
    }
    for (size_t i = 0; i < count; i++) {
        long value = lrintf(fmaxf(-32768, fminf(32767, samples[i] * 32768)));
        wav[44 + 2 * i] = (unsigned char)(value & 255);
        wav[45 + 2 * i] = (unsigned char)(value >> 8 & 255);
    }
    TRY(ting_file_save(path, wav, bytes));
out:
    ting_free(wav);
    return err;
}
