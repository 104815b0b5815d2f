/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.c - opening a model: the networks of the file that was named, and what it lacks from the usual places.
 *
 *     path  ->  a .gguf file | a public model (a folder) | a folder of such | a name of the places | NULL: the places
 *     "am"  from path, else from the first candidate of the places that has one
 *     "p2h" likewise; it alone for ting_model_open_writing
 *     "lm"  the file that the options name; else likewise, but nothing is wrong where there is none
 */
#include "engine/model.h"
#include "engine/lm.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/options.h"
#include "engine/places.h"
#include "model/public.h"
#include "model/schema.h"

#include <string.h>

typedef struct opening {
    ting_model *model;
    bool hearing;     /* whether an acoustic network is wanted */
    ting_str refused; /* candidates that could not be read, with the reason */
} opening;

static ting_err keep_path(const char *path, char **out)
{
    *out = ting_strdup(path);
    return *out != NULL ? TING_OK : TING_ERR_MEMORY;
}

/* An acoustic network whose tokens are characters needs no other one. */
static bool wants_writing(const opening *o)
{
    return o->model->options.hanzi != 0 && !o->model->hearing.am.writes;
}

/* A language model that nobody named is taken along where there is one. */
static bool wants_weighing(const opening *o)
{
    const ting_model_options *options = &o->model->options;
    return wants_writing(o) && options->lm == NULL && options->lm_weight > 0;
}

/* Whether a file has n-grams of characters: those of an acoustic model's tokens are for another search (fuse_lm), and a network that says
 * which word comes next can only rank lines (rescore_lm). */
static ting_err find_ngrams(const ting_gguf *file, bool *found)
{
    ting_network lm;
    ting_texts words = {0};
    *found = false;
    if (!ting_network_has(file, "lm") || ting_network_find(file, "lm", &lm) != TING_OK || ting_lm_model_is(&lm))
        return TING_OK;
    const ting_err err = ting_keys_texts(&lm.keys, TING_KEY_TOKENS, &words);
    *found = err == TING_OK && ting_vocabulary_has_hanzi(&words);
    ting_texts_free(&words);
    return err == TING_ERR_MEMORY ? err : TING_OK;
}

/* Takes the networks of a model file that are still missing. */
static ting_err take_file(opening *o, const char *path)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    ting_model *m = o->model;
    bool weighs = false;
    TRY(ting_gguf_open(path, &file));
    TRY(ting_schema_check(&file));
    if (o->hearing && m->hearing.path == NULL && ting_network_has(&file, "am")) {
        TRY(ting_am_open(&file, m->options.precision, &m->hearing.am));
        TRY(keep_path(path, &m->hearing.path));
    }
    if (wants_writing(o) && m->writing.path == NULL && ting_network_has(&file, "p2h")) {
        TRY(ting_hanzi_p2h_open(path, m->options.precision, &m->writing.p2h));
        TRY(keep_path(path, &m->writing.path));
    }
    if (wants_weighing(o) && m->weighing.path == NULL)
        TRY(find_ngrams(&file, &weighs));
    if (weighs)
        TRY(keep_path(path, &m->weighing.path));
out:
    ting_gguf_close(&file);
    return err;
}

static ting_err take_folder(opening *o, const char *path)
{
    ting_err err = TING_OK;
    if (!o->hearing || o->model->hearing.path != NULL)
        goto out;
    TRY(ting_am_open_folder(path, o->model->options.precision, &o->model->hearing.am));
    TRY(keep_path(path, &o->model->hearing.path));
out:
    return err;
}

static bool is_deaf(const opening *o)
{
    return o->hearing && o->model->hearing.path == NULL;
}

static bool is_complete(const opening *o)
{
    return !is_deaf(o) && (!wants_writing(o) || o->model->writing.path != NULL);
}

/* Complete, and with everything that is taken along. */
static bool is_full(const opening *o)
{
    return is_complete(o) && (!wants_weighing(o) || o->model->weighing.path != NULL);
}

/* What stands at a path: the kind decides how it is read. */
static ting_err take_path(opening *o, const char *path)
{
    return ting_public_kind_of(path) != TING_PUBLIC_NONE ? take_folder(o, path) : take_file(o, path);
}

/* Candidates that cannot be read are remarked and passed over: another may do. */
static ting_err take_candidates(opening *o, const ting_paths *places)
{
    ting_err err = TING_OK;
    ting_paths candidates = {0};
    TRY(ting_places_candidates(places, &candidates));
    for (int i = 0; i < candidates.count && !is_full(o); i++) {
        err = take_path(o, candidates.items[i]);
        if (err == TING_ERR_MEMORY)
            goto out;
        if (err == TING_OK || is_complete(o)) {
            err = TING_OK;
            continue;
        }
        ting_log_write(&o->model->log, TING_LOG_WARNING, "%s", ting_error_message());
        ting_str_addf(&o->refused, "; %s", ting_error_message());
        err = TING_OK;
    }
out:
    ting_paths_free(&candidates);
    return err;
}

/* Names what is missing, the places that were searched, and how to get it. */
static ting_err missing(const opening *o, const ting_paths *places)
{
    ting_str list = {0};
    for (int i = 0; i < places->count; i++)
        ting_str_addf(&list, "%s%s", i == 0 ? "" : ", ", places->items[i]);
    ting_err err = ting_fail(TING_ERR_NOT_FOUND, "no %s model was found in: %s%s (%s)",
                             is_deaf(o) ? "acoustic" : "pinyin-to-hanzi",
                             list.text != NULL ? list.text : "no place, for none of the usual ones exists",
                             o->refused.text != NULL ? o->refused.text : "",
                             is_deaf(o)   ? "name one, or a folder with models in TING_MODELS; 'tingxie pull --list' knows public ones"
                             : o->hearing ? "pinyin can be had without"
                                          : "name one, or a folder with models in TING_MODELS");
    ting_str_free(&list);
    return err;
}

/* *path, when it is a bare name that stands for nothing in the working directory but for a candidate of the usual places:
 * that candidate's path, owned by `candidates`. */
static ting_err look_up(const opening *o, const char **path, ting_paths *candidates)
{
    ting_err err = TING_OK;
    ting_paths places = {0};
    if (*path == NULL || strchr(*path, '/') != NULL || ting_file_exists(*path))
        goto out;
    TRY(ting_places(o->model->options.folder, &places));
    TRY(ting_places_candidates(&places, candidates));
    const char *found = ting_places_named(candidates, *path);
    if (found != NULL)
        *path = found;
out:
    ting_paths_free(&places);
    return err;
}

/* Behind the usual places, the one in which the named model stands. */
static ting_err add_folder_of(const char *path, ting_paths *places)
{
    const char *name = ting_path_name(path);
    ting_str folder = {0};
    if (name == path)
        ting_str_add(&folder, ".");
    else
        ting_str_add_bytes(&folder, path, (size_t)(name - path));
    const ting_err err = ting_str_ok(&folder) ? ting_paths_add(places, folder.text) : TING_ERR_MEMORY;
    ting_str_free(&folder);
    return err;
}

static ting_err open_all(opening *o, const char *path)
{
    ting_err err = TING_OK;
    ting_paths places = {0}, own = {0}, candidates = {0};
    TRY(look_up(o, &path, &candidates));
    const bool folder = path != NULL && ting_file_is_folder(path) && ting_public_kind_of(path) == TING_PUBLIC_NONE;
    if (folder) {
        TRY(ting_paths_add(&own, path));
        TRY(take_candidates(o, &own));
    } else if (path != NULL) {
        TRY(take_path(o, path));
    }
    if (path != NULL && (o->hearing ? is_deaf(o) : !is_complete(o))) {
        if (folder)
            err = missing(o, &own);
        else
            err = ting_fail(TING_ERR_MODEL, "%s: there is no %s network in this model", path,
                            o->hearing ? "acoustic" : "pinyin-to-hanzi");
        goto out;
    }
    if (!is_full(o)) {
        TRY(ting_places(o->model->options.folder, &places));
        if (path != NULL && !folder && o->model->options.folder == NULL)
            TRY(add_folder_of(path, &places));
        TRY(take_candidates(o, &places));
        if (is_deaf(o) || (o->model->options.hanzi == 1 && !is_complete(o)))
            err = missing(o, &places);
    }
out:
    ting_paths_free(&places);
    ting_paths_free(&own);
    ting_paths_free(&candidates);
    return err;
}

/* The language model that the options name, or that was taken along; the latter weighs what it can and is quiet otherwise. */
static ting_err open_lm(ting_model *m)
{
    ting_err err = TING_OK;
    ting_weighing *w = &m->weighing;
    const char *named = m->options.lm;
    ting_network found;
    if (!(m->options.lm_weight >= 0 && m->options.lm_weight <= 100))
        FAIL(TING_ERR_ARGUMENT, "model_options.lm_weight is %g: 0 to 100", m->options.lm_weight);
    if (m->writing.path == NULL || (named == NULL && w->path == NULL))
        goto out;
    if (ting_hanzi_p2h_model(m->writing.p2h)->net == NULL) {
        if (named != NULL)
            FAIL(TING_ERR_UNSUPPORTED, "%s: a language model weighs the lines of a one-to-one network; that in %s is an encoder-decoder",
                 named, m->writing.path);
        goto out;
    }
    if (named != NULL)
        TRY(keep_path(named, &w->path));
    TRY(ting_gguf_open(w->path, &w->file));
    TRY(ting_network_find(&w->file, "lm", &found));
    if (ting_lm_model_is(&found))
        FAIL(TING_ERR_UNSUPPORTED, "%s: its language model is a network, %s, expected n-grams; rescore_lm (--rescore-lm) takes any kind",
             w->path, found.architecture);
    TRY(ting_ngram_open(&found, &w->ngram));
    TRY_IN(ting_hanzi_p2h_weigh(m->writing.p2h, w->ngram, m->options.lm_weight, &w->lm), "%s", w->path);
out:
    return err;
}

/* The language model that is to rank lines anew. */
static ting_err open_ranking(ting_model *m)
{
    ting_err err = TING_OK;
    const ting_model_options *o = &m->options;
    if (!(o->rescore_weight >= 0 && o->rescore_weight <= 100))
        FAIL(TING_ERR_ARGUMENT, "model_options.rescore_weight is %g: 0 to 100", o->rescore_weight);
    if (o->rescore_lines < 1 || o->rescore_lines > 1000)
        FAIL(TING_ERR_ARGUMENT, "model_options.rescore_lines is %d: 1 to 1000", o->rescore_lines);
    if (o->rescore_lm == NULL || m->writing.path == NULL)
        goto out;
    TRY(ting_lm_open(o->rescore_lm, &m->ranking.lm));
    TRY_IN(ting_hanzi_p2h_rescore(m->writing.p2h, m->ranking.lm, o->rescore_weight, o->rescore_lines, &m->ranking.rescorer), "%s",
           o->rescore_lm);
    TRY(keep_path(o->rescore_lm, &m->ranking.path));
out:
    return err;
}

static void forward_log(void *self, ting_log_level level, const char *sentence)
{
    const ting_model *m = self;
    (void)level;
    m->options.log(m->options.log_self, sentence);
}

static ting_err open_model(const char *path, const ting_model_options *options, bool hearing, ting_model **out)
{
    ting_err err = TING_OK;
    opening o = {.hearing = hearing};
    *out = NULL;
    ting_model *m = o.model = ting_alloc(1, sizeof *m);
    if (m == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_model_options_take(options, &m->options));
    if (m->options.log != NULL)
        m->log = (ting_log){forward_log, m};
    TRY(open_all(&o, path));
    TRY(open_lm(m));
    TRY(open_ranking(m));
    *out = m;
    m = NULL;
out:
    ting_str_free(&o.refused);
    ting_model_free(m);
    return err;
}

ting_err ting_model_open(const char *path, const ting_model_options *options, ting_model **out)
{
    return open_model(path, options, true, out);
}

ting_err ting_model_open_writing(const char *path, const ting_model_options *options, ting_model **out)
{
    return open_model(path, options, false, out);
}

void ting_model_free(ting_model *model)
{
    if (model == NULL)
        return;
    ting_hanzi_p2h_rescorer_free(model->ranking.rescorer);
    ting_lm_free(model->ranking.lm);
    ting_free(model->ranking.path);
    ting_hanzi_p2h_lm_free(model->weighing.lm);
    ting_ngram_free(model->weighing.ngram);
    ting_gguf_close(&model->weighing.file);
    ting_free(model->weighing.path);
    ting_am_free(&model->hearing.am);
    ting_free(model->hearing.path);
    ting_hanzi_p2h_close(model->writing.p2h);
    ting_free(model->writing.path);
    ting_free(model);
}

void ting_model_describe_in(const ting_model *model, ting_str *out)
{
    static const char *const precisions[] = {"f32", "bf16", "int8"};
    const ting_am *am = &model->hearing.am;
    ting_str_add(out, "acoustic: ");
    ting_am_describe(&am->net->config, out);
    ting_str_addf(out, ", %.2f M parameters, %d %s, %s\n  %s\n", (double)ting_params_total(am->net->params) / 1e6,
                  ting_am_vocab(&am->net->config), am->writes ? "characters" : "tokens", precisions[model->options.precision],
                  model->hearing.path);
    if (model->writing.path != NULL) {
        const ting_p2h_model *p2h = ting_hanzi_p2h_model(model->writing.p2h);
        ting_str_addf(out, "pinyin to hanzi: %s, %.2f M parameters, %d syllables, %d characters\n  %s\n", ting_p2h_kind_name(p2h),
                      (double)ting_params_total(p2h->params) / 1e6, p2h->tables.syllables, p2h->tables.characters, model->writing.path);
    }
    if (model->weighing.lm != NULL)
        ting_str_addf(out, "language model: n-grams of order %d, %zu words, weight %g\n  %s\n", ting_ngram_order(model->weighing.ngram),
                      ting_ngram_words(model->weighing.ngram)->count, model->weighing.lm->weight, model->weighing.path);
    if (model->ranking.lm != NULL)
        ting_str_addf(out, "language model that ranks lines anew: %s, %zu words, weight %g, %d lines\n  %s\n",
                      ting_lm_name(model->ranking.lm), model->ranking.lm->words->count, model->options.rescore_weight,
                      model->options.rescore_lines, model->ranking.path);
}

size_t ting_model_describe(const ting_model *model, char *out, size_t room)
{
    ting_str text = {0};
    ting_model_describe_in(model, &text);
    const size_t length = ting_str_ok(&text) ? text.length : 0;
    if (room > 0) {
        size_t copied = length < room - 1 ? length : room - 1;
        if (copied > 0)
            memcpy(out, text.text, copied);
        out[copied] = '\0';
    }
    ting_str_free(&text);
    return length;
}
