/* SPDX-License-Identifier: Apache-2.0 */
/* adapt_tune.c - see adapt_tune.h. */
#include "train/adapt_tune.h"

#include "base/folder.h"
#include "base/hash.h"
#include "base/mem.h"
#include "data/p2h_corpus.h"
#include "model/schema.h"
#include "text/g2p.h"
#include "train/model_origin.h"
#include "train/p2h_export.h"
#include "train/p2h_from.h"
#include "train/p2h_task.h"

#include <string.h>

enum { LONGEST = 256 /* characters of a sentence; more of them are cut */ };

/* Of the way from the weights as they were to those that training ends with; measured in docs/ADAPT.md. */
static const double WAY = 0.5;

typedef struct tuning {
    const ting_adapt_options *options;
    const ting_model *model;
    const ting_lexicon *lexicon;
    ting_g2p_line line;
    ting_p2h_corpus corpus; /* in memory, with the tables of the model's network: not to be closed */
    uint32_t *start;
    uint16_t *spoken, *written;
    size_t start_room, spoken_room, written_room;
    ting_p2h_recipe recipe;
    ting_p2h_task network;
    ting_task task;
    ting_training training;
    ting_str from;
    char *folder;
} tuning;

/* ---- the text as a corpus ---- */

static ting_err add_place(tuning *t, int syllable, int character)
{
    ting_err err = TING_OK;
    const size_t at = t->corpus.tokens;
    TRY(ting_reserve(&t->spoken, at, 1, &t->spoken_room, sizeof *t->spoken));
    TRY(ting_reserve(&t->written, at, 1, &t->written_room, sizeof *t->written));
    t->spoken[at] = (uint16_t)syllable;
    t->written[at] = (uint16_t)character;
    t->corpus.tokens++;
out:
    return err;
}

/* Ends the sentence that has grown, if it has. */
static ting_err end_sentence(tuning *t)
{
    ting_err err = TING_OK;
    ting_p2h_corpus *c = &t->corpus;
    if (t->start[c->sentences] == c->tokens)
        goto out;
    if (c->tokens > UINT32_MAX - LONGEST)
        FAIL(TING_ERR_UNSUPPORTED, "the text has more than %u characters to train on", UINT32_MAX - LONGEST);
    TRY(ting_reserve(&t->start, c->sentences, 2, &t->start_room, sizeof *t->start));
    t->start[++c->sentences] = (uint32_t)c->tokens;
    c->source[c->sources - 1].count++;
out:
    return err;
}

/* Runs of characters that the network knows how to read. */
static ting_err add_sentence(void *self, ting_view sentence)
{
    tuning *t = self;
    ting_err err = TING_OK;
    const ting_hanzi_p2h *p2h = t->model->writing.p2h;
    TRY(ting_g2p_read(t->lexicon, &(ting_g2p_options){0}, sentence.text, sentence.length, &t->line));
    for (int i = 0; i < t->line.count; i++) {
        const ting_g2p_item *item = &t->line.items[i];
        const int syllable = ting_hanzi_p2h_syllable(p2h, item->id);
        if (syllable != TING_P2H_UNKNOWN)
            TRY(add_place(t, syllable, ting_p2h_character(&t->corpus.tables, item->code_point)));
        if (syllable == TING_P2H_UNKNOWN || t->corpus.tokens - t->start[t->corpus.sentences] == LONGEST)
            TRY(end_sentence(t));
    }
    TRY(end_sentence(t));
out:
    return err;
}

static ting_err add_source(tuning *t, const ting_adapt_text *text, ting_adapt_share share, ting_p2h_source source)
{
    source.first = t->corpus.sentences;
    t->corpus.source[t->corpus.sources++] = source;
    return ting_adapt_text_each(text, share, add_sentence, t);
}

static ting_err make_corpus(tuning *t, const ting_adapt_text *text)
{
    ting_err err = TING_OK;
    ting_p2h_corpus *c = &t->corpus;
    c->tables = ting_hanzi_p2h_model(t->model->writing.p2h)->tables;
    c->source = ting_alloc(2, sizeof *c->source);
    TRY(c->source != NULL ? ting_reserve(&t->start, 0, 1, &t->start_room, sizeof *t->start) : TING_ERR_MEMORY);
    t->start[0] = 0;
    TRY(add_source(t, text, TING_ADAPT_KEPT, (ting_p2h_source){.name = "text", .licence = "", .kind = TING_P2H_TRAIN}));
    if (c->sentences == 0)
        FAIL(TING_ERR_FORMAT, "%s: there is nothing in it that pinyin to hanzi could learn", t->options->texts[0]);
    TRY(add_source(t, text, TING_ADAPT_HELD, (ting_p2h_source){.name = "held out", .licence = "", .kind = TING_P2H_MEASURE}));
    c->start = t->start;
    c->spoken = t->spoken;
    c->written = t->written;
    c->hash = ting_hash_bytes(t->written, c->tokens * sizeof *t->written) ^ ting_hash_bytes(t->spoken, c->tokens * sizeof *t->spoken);
out:
    return err;
}

/* ---- how ---- */

static void make_recipe(tuning *t)
{
    const long steps = t->options->finetune;
    ting_p2h_recipe_defaults(&t->recipe);
    t->recipe.shape = *ting_p2h_net_shape(ting_hanzi_p2h_model(t->model->writing.p2h)->net);
    t->recipe.measure_lines = 1000;
    ting_train_plan *p = &t->recipe.plan;
    p->steps = (int)steps;
    p->warmup = (int)(steps / 20);
    p->decay = (int)(steps / 2);
    p->rate = 3e-4;
    p->average = 0;
    p->multiply = TING_PRECISION_BF16;
    p->save_every = p->measure_every = 100;
    p->log_every = 10;
}

static ting_err prepare(tuning *t, const ting_log *log)
{
    ting_err err = TING_OK;
    int known;
    t->folder = ting_trainer_folder_beside(t->options->output);
    TRY(t->folder != NULL ? TING_OK : TING_ERR_MEMORY);
    TRY(ting_folder_make(t->folder));
    make_recipe(t);
    TRY(ting_p2h_task_make(&t->network, &t->recipe, &t->corpus, &ting_ranks_alone));
    TRY(ting_model_origin(t->model->writing.path, "p2h", &t->from));
    t->network.from = t->from.text;
    TRY(ting_p2h_from(&t->network, t->model->writing.path, &known));
    TRY(ting_p2h_task_view(&t->network, &t->task));
    ting_log_write(log, TING_LOG_INFO, "pinyin to hanzi is trained on the text (%llu runs of hanzi), in %s",
                   (unsigned long long)t->corpus.source[0].count, t->folder);
out:
    return err;
}

static ting_err measure(const tuning *t, double *errors)
{
    ting_err err = TING_OK;
    ting_arena *arena = ting_arena_new((size_t)1 << 20);
    ting_pool *pool = ting_pool_new(t->options->threads > 0 ? t->options->threads : ting_cpu_count());
    ting_ctx ctx = {.arena = arena, .pool = pool, .kern = ting_kern_select(ting_cpu_detect()), .multiply = TING_PRECISION_F32};
    TRY(arena != NULL && pool != NULL ? TING_OK : TING_ERR_MEMORY);
    TRY(t->task.measure(t->task.self, &ctx, errors));
out:
    ting_pool_free(pool);
    ting_arena_free(arena);
    return err;
}

static ting_err train(tuning *t, const ting_log *log)
{
    const ting_adapt_options *o = t->options;
    return ting_trainer_run(&t->task, &t->recipe.plan,
                            &(ting_trainer_options){.folder = t->folder,
                                                    .title = o->output,
                                                    .threads = o->threads,
                                                    .ranks = &ting_ranks_alone,
                                                    .log = log,
                                                    .report = o->report,
                                                    .stop = o->stop,
                                                    .self = o->self});
}

/* ---- what becomes of it ---- */

/* The trained weights go back a part of the way to the model's. */
static ting_err go_back(tuning *t)
{
    ting_err err = TING_OK;
    int known;
    ting_params *params = t->network.model.params;
    const size_t count = ting_params_elements(params);
    ting_real *values = ting_params_values(params), *trained = ting_alloc(count, sizeof *trained);
    TRY(trained != NULL ? TING_OK : TING_ERR_MEMORY);
    memcpy(trained, values, count * sizeof *trained);
    TRY(ting_p2h_from(&t->network, t->model->writing.path, &known));
    for (size_t i = 0; i < count; i++)
        values[i] += (ting_real)WAY * (trained[i] - values[i]);
out:
    ting_free(trained);
    return err;
}

/* The weights were the model's: its licence and authors stay, the text adds none; so do how its file stores the largest matrices, and the
 * list of what an adaptation has added before. */
static ting_err save(tuning *t, char **path)
{
    ting_err err = TING_OK;
    const char *from = t->model->writing.path, *licence = NULL, *authors = NULL;
    ting_gguf model = {0};
    ting_network network;
    ting_stored stored;
    ting_texts added = {0};
    char *file = ting_path_join(t->folder, "p2h.gguf");
    TRY(file != NULL ? ting_gguf_open(from, &model) : TING_ERR_MEMORY);
    TRY(ting_network_find(&model, "p2h", &network));
    const ting_source source = ting_table_source(&network.tensors, from);
    TRY(source.find(source.self, "final_layer.weight", &stored));
    if (ting_keys_has(&network.keys, TING_KEY_LICENSE))
        TRY(ting_keys_text(&network.keys, TING_KEY_LICENSE, &licence));
    if (ting_keys_has(&network.keys, TING_KEY_AUTHORS))
        TRY(ting_keys_text(&network.keys, TING_KEY_AUTHORS, &authors));
    if (ting_keys_has(&network.keys, TING_P2H_ADDED))
        TRY(ting_keys_texts(&network.keys, TING_P2H_ADDED, &added));
    TRY(ting_p2h_export_save(&(ting_p2h_export){.recipe = &t->recipe,
                                                .corpus = &t->corpus,
                                                .training = &t->training,
                                                .model = &t->network.model,
                                                .dtype = stored.dtype,
                                                .licence = licence,
                                                .authors = authors,
                                                .added = &added},
                             file));
    *path = file;
    file = NULL;
out:
    ting_texts_free(&added);
    ting_gguf_close(&model);
    ting_free(file);
    return err;
}

static void drop(tuning *t)
{
    ting_training_free(&t->training);
    ting_p2h_task_free(&t->network);
    ting_g2p_line_free(&t->line);
    ting_str_free(&t->from);
    ting_free(t->corpus.source);
    ting_free(t->start);
    ting_free(t->spoken);
    ting_free(t->written);
    ting_free(t->folder);
}

ting_err ting_adapt_tune(const ting_adapt_options *options, const ting_model *model, const ting_adapt_text *text,
                         const ting_lexicon *lexicon, const ting_log *log, ting_adapt_report *report, char **path)
{
    ting_err err = TING_OK;
    tuning t = {.options = options, .model = model, .lexicon = lexicon};
    *path = NULL;
    TRY(make_corpus(&t, text));
    TRY(prepare(&t, log));
    TRY(measure(&t, &report->errors_before));
    TRY(train(&t, log));
    TRY(ting_trainer_load(&t.task, &t.recipe.plan, t.folder, 0, &t.training));
    TRY(go_back(&t));
    TRY(measure(&t, &report->errors_after));
    report->steps = t.training.step;
    TRY(save(&t, path));
out:
    drop(&t);
    return err;
}
