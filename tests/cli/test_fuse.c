/* SPDX-License-Identifier: Apache-2.0 */
/* test_fuse.c - language models over an acoustic model's tokens: trained from hanzi, weighing inside the search, and what does not fit. */
#include "support/support.h"
#include "support/program.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MODEL "models/tingxie.gguf"
#define SOUND "examples/sound/BAC009S0252W0218.flac" /* 证监会新闻发言人表示 */

static char *tokens, *bigrams, *network; /* models of the corpus below */

static void expect(const char *const *args, const char *input, int status, const char *said)
{
    ting_program_run done = ting_run_expecting(args, input, status, said);
    ting_program_free(&done);
}

/* Trains on `corpus` what the other groups of a recipe say. */
static char *train(const char *name, const char *corpus, const char *groups, const char *said)
{
    ting_str recipe = {0};
    char *out = ting_temp_path(name);
    ting_str_addf(&recipe, "%s\ntokens: {of: %s}\nsources:\n  - {name: told, file: %s}\n", groups, MODEL, corpus);
    char *path = ting_temp_text("fuse.yaml", recipe.text);
    ting_program_run done = ting_run_expecting(ARGS("lm", "train", path, "-o", out), "", 0, said);
    assert_non_null(strstr(done.out, "\t209 words\t")); /* 207 tokens less blank, and <unk>, <s>, </s> */
    ting_program_free(&done);
    ting_free(path);
    ting_str_free(&recipe);
    return out;
}

static int make_models(void **state)
{
    (void)state;
    ting_str text = {0};
    for (int i = 0; i < 100; i++)
        ting_str_add(&text, i % 10 == 0 ? "用T恤的人\n" : "证监会新闻发言人表示。\n");
    char *corpus = ting_temp_text("told.txt", text.text);
    tokens = train("tokens.gguf", corpus, "model: {order: 4, memory: 8}", "told: 10 sentences left out: they hold what the acoustic model's tokens cannot spell");
    bigrams = train("bigrams.gguf", corpus, "model: {order: 2, memory: 8}", "");
    network = train("net.gguf", corpus, "model: {kind: lstm, width: 16, hidden: 32, layers: 1}\ntrain: {steps: 150, warmup: 1, decay: 20, rate: 0.02, average: 0}", "");
    ting_free(corpus);
    ting_str_free(&text);
    return 0;
}

static char *hear(const char *const *options)
{
    const char *args[24] = {"transcribe", "-q", "-m", MODEL};
    int count = 4;
    while (*options != NULL)
        args[count++] = *options++;
    args[count] = SOUND;
    ting_program_run done = ting_run_expecting(args, "", 0, "");
    char *out = ting_strdup(done.out);
    ting_program_free(&done);
    return out;
}

/* Weights of 0, and a model taken away from itself, are as nothing; a model that knows the sentence is believed, in both heads and of
 * both kinds. */
static void a_model_weighs_tokens_inside_the_search(void **state)
{
    (void)state;
    static const char *const heads[] = {"ctc", "transducer"};
    static const char said[] = "zh èng j iān h uì x īn w én f ā y án r én b iǎo sh ì\n";
    for (int i = 0; i < 2; i++) {
        const char *head = heads[i];
        char *plain = hear(ARGS("--tokens", "--decoding", "beam", "--head", head));
        char *nothing = hear(ARGS("--tokens", "--head", head, "--fuse-lm", network, "--fuse-weight", "0", "--fuse-bonus", "0"));
        char *cancelled = hear(ARGS("--tokens", "--head", head, "--fuse-lm", tokens, "--fuse-bonus", "0", "--lodr", tokens,
                                     "--lodr-weight", "0.3"));
        char *ngrams = hear(ARGS("--tokens", "--head", head, "--fuse-lm", tokens, "--fuse-weight", "0.8"));
        char *lstm = hear(ARGS("--tokens", "--head", head, "--fuse-lm", network, "--fuse-weight", "0.9", "--lodr", bigrams));
        assert_string_equal(plain, nothing);
        assert_string_equal(plain, cancelled);
        assert_string_not_equal(plain, said);
        assert_string_equal(ngrams, said);
        assert_string_equal(lstm, said);
        char *const all[] = {plain, nothing, cancelled, ngrams, lstm};
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
            ting_free(all[k]);
    }
    char *hanzi = hear(ARGS("--head", "ctc", "--skip-blank", "0.999", "--fuse-lm", tokens, "--fuse-weight", "0.8"));
    assert_string_equal(hanzi, "证监会新闻发言人表示\n");
    ting_free(hanzi);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    expect(ARGS("transcribe", "-m", MODEL, "--fuse-lm", "models/tingxie-lm.gguf", SOUND), "", 1,
           "models/tingxie-lm.gguf: its words are other ones than the acoustic model's tokens: it lacks 206 of 206, such as \"ā\"");
    expect(ARGS("transcribe", "-m", MODEL, "--fuse-lm", tokens, "--lodr", network, SOUND), "", 1, "this is a network");
    expect(ARGS("transcribe", "-m", MODEL, "--fuse-lm", tokens, "--decoding", "greedy", SOUND), "", 2, "weighs what a beam holds");
    expect(ARGS("transcribe", "-m", MODEL, "--lodr", tokens, SOUND), "", 2, "--fuse-lm, which is not given");
    expect(ARGS("transcribe", "-m", MODEL, "--fuse-lm", "nowhere.gguf", SOUND), "", 1, "nowhere.gguf");
    char *words = ting_temp_text("words.txt", "证监会\n");
    expect(ARGS("transcribe", "-m", MODEL, "--fuse-lm", tokens, "-k", words, SOUND), "", 2, "it goes with neither --keywords nor");
    ting_free(words);
    static const char *const weighs[] = {"--lm", "--rescore-lm"};
    for (size_t i = 0; i < sizeof weighs / sizeof weighs[0]; i++) { /* what weighs lines of hanzi is over characters */
        const char *const said = "tokens.gguf: a language model of 206 words such as \"";
        expect(ARGS("transcribe", "-m", MODEL, weighs[i], tokens, SOUND), "", 1, said);
        expect(ARGS("explain", "-m", MODEL, weighs[i], tokens, SOUND), "", 1, said);
        expect(ARGS("p2h", "-m", MODEL, weighs[i], tokens), "ta1 men5\n", 1, said);
    }
    expect(ARGS("transcribe", "-m", MODEL, "--rescore-lm", network, SOUND), "", 1, "net.gguf: a language model of 206 words");
    char *text = ting_temp_text("said.txt", "证监会\n"), *adapted = ting_temp_path("adapted.gguf");
    expect(ARGS("adapt", MODEL, text, "--lm", tokens, "-o", adapted), "", 1, "tokens.gguf: a language model of 206 words");
    expect(ARGS("lm", "ppl", tokens, text), "", 0, "none of its 3 words is known to ");
    expect(ARGS("lm", "score", tokens), "u\t证监会\n", 0, "standard input: none of its 3 words is known to ");
    expect(ARGS("lm", "mix", "models/tingxie-lm.gguf", tokens, "-w", "1,1", "-o", adapted), "", 0,
           "models/tingxie-lm.gguf has hanzi among its words, ");
    ting_str places = {0}; /* the folder of the models: what is taken along by itself is none of these */
    ting_str_addf(&places, "TING_MODELS=%.*s", (int)(strrchr(tokens, '/') - tokens), tokens);
    ting_program_run done = ting_run_program_with(ARGS("p2h", "-m", MODEL), "ta1 men5\n", 9, ARGS(places.text));
    assert_int_equal(done.status, 0);
    assert_string_equal(done.out, "他们\n");
    ting_program_free(&done);
    ting_str_free(&places);
    ting_free(text);
    ting_free(adapted);
    char *both = ting_temp_text("both.yaml", "tokens: {of: " MODEL ", file: x.txt}\nsources:\n  - {name: a, file: b.txt}\n"),
         *deaf = ting_temp_text("deaf.yaml", "tokens: {of: models/tingxie-lm.gguf}\nsources:\n  - {name: a, file: b.txt}\n"),
         *out = ting_temp_path("none.gguf");
    expect(ARGS("lm", "train", both, "-o", out), "", 1, "not both");
    expect(ARGS("lm", "train", deaf, "-o", out), "", 1, "models/tingxie-lm.gguf: no network \"am\"");
    ting_free(both);
    ting_free(deaf);
    ting_free(out);
}

static int drop_models(void **state)
{
    (void)state;
    ting_free(tokens);
    ting_free(bigrams);
    ting_free(network);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_weighs_tokens_inside_the_search),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, make_models, drop_models);
}
