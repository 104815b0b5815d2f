/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_lm.c - files with a language model of any kind, and with an encoder-decoder from pinyin to hanzi: what opens is asked. N-grams
 * lie in the file as they are searched, and settings of networks contradict their tensors.
 */
#include "fuzz/fuzz.h"
#include "support/support.h"

#include "base/mem.h"
#include "base/str.h"
#include "engine/tool_hanzi.h"
#include "model/arpa.h"
#include "model/lm_model.h"
#include "model/ngram.h"
#include "model/p2h_model.h"
#include "model/schema.h"
#include "tingxie.h"

#include <string.h>

static const char said[] = "天气 a 好", pinyin[] = "tian1 qi4 tian5";

static void ask(const ting_lm *lm)
{
    ting_lm_score score;
    char *text = NULL;
    (void)ting_lm_score_text(lm, said, sizeof said - 1, &score);
    (void)ting_lm_generate(lm, "天", 7, 20, 1.5, &text);
    ting_text_free(text);
}

static void write_hanzi(const char *path, size_t size)
{
    ting_tool_hanzi *hanzi = NULL;
    ting_str out = {0};
    const ting_tool_hanzi_options options = {.model = path, .threads = 1, .limit = (ting_tool_hanzi_limit)(size % 3)};
    if (ting_tool_hanzi_new(&options, &hanzi) == TING_OK)
        (void)ting_tool_hanzi_line(hanzi, pinyin, sizeof pinyin - 1, 2, &out);
    ting_tool_hanzi_free(hanzi);
    ting_str_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = ting_fuzz_file(data, size);
    ting_lm *lm = NULL;
    if (ting_lm_open(path, &lm) == TING_OK)
        ask(lm);
    else
        write_hanzi(path, size);
    ting_lm_free(lm);
    return 0;
}

/* ---- seeds ---- */

typedef struct seeds {
    ting_fuzz_take *take;
    void *self;
    char *path;
} seeds;

static void save(const seeds *s, ting_gguf_writer *writer)
{
    assert_ok(ting_gguf_save(writer, s->path));
    ting_gguf_writer_free(writer);
    ting_fuzz_take_file(s->take, s->self, s->path);
}

static ting_gguf_writer *begin(const char *network)
{
    ting_gguf_writer *writer = ting_gguf_writer_new();
    ting_schema_begin(writer, "seed", (const char *const[]){network}, 1);
    return writer;
}

static void take_ngrams(const seeds *s)
{
    static const char text[] = "\\data\\\nngram 1=5\nngram 2=3\nngram 3=1\n\\1-grams:\n-1 <unk>\n-99 <s> -0.3\n-0.5 </s>\n-1.5 天 -0.2\n-1.2 气 -0.1\n"
                               "\\2-grams:\n-0.4 <s> 天 -0.1\n-0.3 天 气 -0.1\n-0.7 气 </s>\n\\3-grams:\n-0.2 天 气 </s>\n\\end\\\n";
    ting_ngram_table table;
    ting_ngram *ngram;
    ting_gguf_writer *writer = begin("lm");
    assert_ok(ting_arpa_parse("seed", text, sizeof text - 1, &table));
    assert_ok(ting_ngram_make(&table, &ngram));
    ting_ngram_put(ngram, writer);
    save(s, writer);
    ting_ngram_free(ngram);
    ting_ngram_table_free(&table);
}

static void take_networks(const seeds *s)
{
    enum { WORDS = 6 };
    static const char words[] = "<unk>\0<s>\0</s>\0天\0气\0a";
    static const int classes[] = {0, 3, WORDS};
    static const ting_lm_config kinds[] = {
        {.kind = TING_LM_NNLM, .tokens = WORDS, .width = 3, .hidden = 4, .context = 2, .direct = true},
        {.kind = TING_LM_RNN, .tokens = WORDS, .width = 3, .hidden = 4, .layers = 1, .classes = 2, .class_start = classes},
        {.kind = TING_LM_LSTM, .tokens = WORDS, .width = 4, .hidden = 4, .layers = 2, .tied = true},
        {.kind = TING_LM_GRU, .tokens = WORDS, .width = 3, .hidden = 4, .layers = 1},
        {.kind = TING_LM_BILSTM, .tokens = WORDS, .width = 3, .hidden = 4, .layers = 1},
        {.kind = TING_LM_GPT, .tokens = WORDS, .width = 4, .hidden = 8, .layers = 1, .context = 16, .heads = 2, .tied = true,
         .norm = TING_NORM_BEFORE, .act = TING_ACT_GELU_TANH, .eps = (ting_real)1e-5}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ting_lm_model model = {.params = ting_params_new()};
        ting_gguf_writer *writer = begin("lm");
        assert_ok(ting_texts_make(words, sizeof words, WORDS, &model.words));
        assert_ok(ting_lm_config_check(&kinds[i]));
        model.net = ting_lm_net_new(&kinds[i], model.params);
        assert_ok(ting_params_alloc(model.params, false));
        assert_ok(ting_params_start(model.params, 1));
        ting_lm_model_put(writer, &model, TING_DTYPE_F32);
        save(s, writer);
        ting_lm_model_close(&model);
    }
}

static void take_encoder_decoders(const seeds *s)
{
    enum { SYLLABLES = 2, CHARACTERS = 3 };
    static const char *const syllables[SYLLABLES] = {"qi4", "tian1"};
    static const uint32_t characters[CHARACTERS] = {0x5929 /* 天 */, 0x6C14 /* 气 */, 0x6DFB /* 添 */};
    static const ting_p2h_pair pairs[] = {{TING_P2H_FIRST, TING_P2H_FIRST + 1}, {TING_P2H_FIRST + 1, TING_P2H_FIRST},
                                          {TING_P2H_FIRST + 2, TING_P2H_FIRST + 1}};
    for (int birnn = 0; birnn < 2; birnn++) {
        ting_p2h_model model = {.params = ting_params_new()};
        ting_gguf_writer *writer = begin("p2h");
        assert_ok(ting_p2h_tables_make(&model.tables, SYLLABLES, syllables, CHARACTERS, characters, CHARACTERS, pairs));
        if (birnn)
            model.birnn = ting_bahdanau_net_new(&(ting_bahdanau_shape){.syllables = model.tables.syllables,
                                                                       .characters = model.tables.characters, .width = 3, .hidden = 4,
                                                                       .attention = 2}, model.params);
        else
            model.s2s = ting_s2s_net_new(&(ting_s2s_shape){.syllables = model.tables.syllables, .characters = model.tables.characters,
                                                           .encoder_layers = 1, .decoder_layers = 1, .tied = true,
                                                           .layer = {.width = 4, .heads = 2, .inner = 4, .norm = TING_NORM_BEFORE,
                                                                     .act = TING_ACT_RELU, .eps = (ting_real)1e-5}}, model.params);
        assert_ok(ting_params_alloc(model.params, false));
        assert_ok(ting_params_start(model.params, 1));
        assert_ok(ting_p2h_model_put(writer, &model, TING_DTYPE_F32));
        save(s, writer);
        ting_p2h_model_close(&model);
    }
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    const seeds s = {take, self, ting_temp_path("seed-lm.gguf")};
    take_ngrams(&s);
    take_networks(&s);
    take_encoder_decoders(&s);
    ting_free(s.path);
}
