/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_state.c - see trainer_state.h. */
#include "train/trainer_state.h"

#include "base/file.h"
#include "base/folder.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/yaml_text.h"
#include "train/checkpoint.h"
#include "train/kept.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A group for all parameters, then one for each part of the plan. */
static ting_optimizer make_scaled_adam(const ting_trainer *t)
{
    const ting_train_parts *parts = &t->plan->parts;
    const int count = ting_params_count(t->task->params);
    double rate[TING_MOST_PARTS + 1] = {1};
    int *of = ting_alloc((size_t)count, sizeof *of);
    for (int i = 0; i < count && of != NULL; i++)
        of[i] = ting_train_part_of(parts, t->task->params, i) + 1;
    for (int p = 0; p < parts->count; p++)
        rate[p + 1] = parts->item[p].rate;
    ting_scaled_adam *adam =
        of == NULL
            ? NULL
            : ting_scaled_adam_new(t->task->params, &t->plan->scaled_adam,
                                   &(ting_scaled_adam_groups){.count = parts->count + 1, .of = of, .rate = rate});
    ting_free(of);
    return adam != NULL ? ting_scaled_adam_optimizer(adam) : (ting_optimizer){0};
}

/* Those of the recipe, which may have changed since the checkpoint. */
static void set_rates(ting_trainer *t)
{
    const ting_train_parts *parts = &t->plan->parts;
    for (int p = 0; t->plan->optimizer == TING_OPTIMIZER_SCALED_ADAM && p < parts->count; p++)
        ting_scaled_adam_set_rate(t->optimizer.self, p + 1, parts->item[p].rate);
}

static ting_optimizer make_optimizer(const ting_trainer *t)
{
    if (t->plan->optimizer == TING_OPTIMIZER_SCALED_ADAM)
        return make_scaled_adam(t);
    ting_adamw *adamw = ting_adamw_new(t->task->params, &t->plan->adamw);
    return adamw != NULL ? ting_adamw_optimizer(adamw) : (ting_optimizer){0};
}

static size_t statistics_of(ting_params *params)
{
    size_t sum = 0;
    for (int i = 0; i < ting_params_count(params); i++) {
        const ting_param *p = ting_params_at(params, i);
        sum += p->role == TING_PARAM_STATISTICS ? (size_t)p->t.rows * (size_t)p->t.cols : 0;
    }
    return sum;
}

/* Paths, optimizer, mean of the weights: what the state is made of. */
ting_err ting_trainer_make(ting_trainer *t, const char *folder)
{
    ting_err err = TING_OK;
    t->elements = ting_params_elements(t->task->params);
    t->checkpoint_path = ting_path_join(folder, "checkpoint");
    t->curves_path = ting_path_join(folder, "curves.html");
    ting_str_add(&t->from, t->task->from != NULL ? t->task->from : "");
    ting_str_add(&t->teacher, t->task->teacher != NULL ? t->task->teacher : "");
    if (t->options != NULL && t->options->recipe != NULL)
        ting_yaml_print(t->options->recipe, &t->recipe);
    t->optimizer = make_optimizer(t);
    if (t->plan->average > 0)
        t->average = ting_alloc(t->elements, sizeof *t->average);
    const size_t statistics = statistics_of(t->task->params);
    if (statistics > 0)
        t->statistics = ting_alloc(statistics, sizeof *t->statistics);
    if (t->optimizer.self == NULL || t->checkpoint_path == NULL || t->curves_path == NULL ||
        (t->plan->average > 0 && t->average == NULL) || (statistics > 0 && t->statistics == NULL))
        FAIL(TING_ERR_MEMORY, "out of memory for the state of a training of %zu parameters", t->elements);
    if (t->average != NULL)
        memcpy(t->average, ting_params_values(t->task->params), t->elements * sizeof *t->average);
out:
    return err;
}

void ting_trainer_drop(ting_trainer *t)
{
    ting_folder_release(t->claim);
    ting_free(t->curve);
    ting_free(t->checkpoint_path);
    ting_free(t->curves_path);
    ting_free(t->average);
    ting_free(t->statistics);
    ting_str_free(&t->samples);
    ting_str_free(&t->from);
    ting_str_free(&t->teacher);
    ting_str_free(&t->recipe);
    ting_str_free(&t->changes);
    ting_arena_free(t->arena);
    ting_arena_free(t->gradients);
    ting_pool_free(t->pool);
    if (t->optimizer.free != NULL)
        t->optimizer.free(t->optimizer.self);
}

void ting_trainer_swap_average(ting_trainer *t)
{
    ting_real *values = ting_params_values(t->task->params);
    for (size_t i = 0; i < t->elements && t->average != NULL; i++) {
        ting_real kept = values[i];
        values[i] = t->average[i];
        t->average[i] = kept;
    }
}

static void move_statistics(ting_trainer *t, bool back)
{
    ting_real *at = t->statistics;
    for (int i = 0; i < ting_params_count(t->task->params) && at != NULL; i++) {
        ting_param *p = ting_params_at(t->task->params, i);
        const size_t count = (size_t)p->t.rows * (size_t)p->t.cols;
        if (p->role != TING_PARAM_STATISTICS)
            continue;
        memcpy(back ? p->t.data : at, back ? at : p->t.data, count * sizeof *at);
        at += count;
    }
}

void ting_trainer_keep_statistics(ting_trainer *t)
{
    move_statistics(t, false);
}

void ting_trainer_return_statistics(ting_trainer *t)
{
    move_statistics(t, true);
}

enum { OWN_BLOCKS = 12, BLOCKS = OWN_BLOCKS + TING_OPTIMIZER_BLOCKS };

/* A checkpoint belongs to one network and one corpus. */
typedef struct identity {
    uint64_t network, data;
} identity;

static uint64_t network_hash(const ting_task *task)
{
    uint64_t hash = task->settings_hash;
    for (int i = 0; i < ting_params_count(task->params); i++) {
        const ting_param *p = ting_params_at(task->params, i);
        uint64_t parts[3] = {hash, ting_fingerprint(p->name, strlen(p->name)),
                             ting_fingerprint(p->shape, (size_t)p->dims * sizeof *p->shape)};
        hash = ting_fingerprint(parts, sizeof parts);
    }
    return hash;
}

/* Everything a checkpoint holds but the curves and the samples; `id` is written from and read into. */
static int state_blocks(ting_trainer *t, identity *id, ting_state_block out[BLOCKS])
{
    const size_t bytes = t->elements * sizeof(ting_real);
    int count = 0;
    out[count++] = (ting_state_block){"identity", id, sizeof *id};
    out[count++] = (ting_state_block){"place", &t->at, sizeof t->at};
    out[count++] = (ting_state_block){"weights", ting_params_values(t->task->params), bytes};
    if (t->average != NULL)
        out[count++] = (ting_state_block){"average", t->average, bytes};
    return count + t->optimizer.state(t->optimizer.self, out + count);
}

ting_err ting_trainer_save(ting_trainer *t)
{
    ting_err err = TING_OK;
    identity id = {network_hash(t->task), t->task->data_hash};
    ting_state_block blocks[BLOCKS];
    int64_t point_bytes = sizeof *t->curve;
    int count = state_blocks(t, &id, blocks);
    uint64_t keys = t->task->keys_hash;
    blocks[count++] = (ting_state_block){"keys", &keys, sizeof keys};
    blocks[count++] = (ting_state_block){"points", t->curve, t->curve_count * sizeof *t->curve};
    blocks[count++] = (ting_state_block){"point_bytes", &point_bytes, sizeof point_bytes};
    blocks[count++] = (ting_state_block){"samples", t->samples.text, t->samples.length};
    blocks[count++] = (ting_state_block){"from", t->from.text, t->from.length};
    blocks[count++] = (ting_state_block){"teacher", t->teacher.text, t->teacher.length};
    blocks[count++] = (ting_state_block){"recipe", t->recipe.text, t->recipe.length};
    blocks[count++] = (ting_state_block){"changes", t->changes.text, t->changes.length};
    TRY(ting_checkpoint_save(t->checkpoint_path, blocks, count));
    const ting_curves page = {.title = t->options->title,
                              .unit = t->task->unit,
                              .error_name = t->task->error_name,
                              .plain_errors = t->task->plain_errors,
                              .terms = t->task->terms,
                              .term_count = t->task->term_count,
                              .steps = t->steps,
                              .points = t->curve,
                              .count = t->curve_count,
                              .samples = t->samples.text};
    if (ting_curves_save(t->curves_path, &page) != TING_OK)
        ting_log_write(t->options->log, TING_LOG_WARNING, "%s", ting_error_message()); /* a picture stops no training */
out:
    return err;
}

/* The first setting of these groups that the checkpoint's recipe and the one at hand differ in: " (key: x there, y here)"; "" when
 * that is not known. */
typedef struct first_difference {
    const char *const *groups; /* NULL at the end */
    char text[256];
} first_difference;

static void note_first(void *self, const char *key, const char *before, const char *after)
{
    first_difference *d = self;
    for (const char *const *group = d->groups; *group != NULL && d->text[0] == '\0'; group++)
        if (strncmp(key, *group, strlen(*group)) == 0)
            snprintf(d->text, sizeof d->text, " (%s: %s there, %s here)", key, before != NULL ? before : "not given",
                     after != NULL ? after : "not given");
}

static void look_for_difference(const ting_trainer *t, const ting_checkpoint *file, first_difference *d)
{
    ting_yaml_doc kept;
    const void *text;
    size_t bytes;
    if (t->options == NULL || t->options->recipe == NULL || !ting_checkpoint_find(file, "recipe", &text, &bytes) ||
        ting_yaml_parse(file->path, text, bytes, &kept) != TING_OK)
        return;
    ting_yaml_compare(kept.root, t->options->recipe, note_first, d);
    ting_yaml_free(&kept);
}

static ting_err check_identity(const ting_trainer *t, const ting_checkpoint *file)
{
    identity id;
    const void *data;
    size_t bytes;
    if (!ting_checkpoint_find(file, "identity", &data, &bytes) || bytes != sizeof id)
        return ting_fail(TING_ERR_FORMAT, "%s: not the checkpoint of a training", file->path);
    memcpy(&id, data, sizeof id);
    uint64_t keys = 0;
    if (ting_checkpoint_find(file, "keys", &data, &bytes) && bytes == sizeof keys)
        memcpy(&keys, data, sizeof keys);
    if (id.network != network_hash(t->task) || (keys != 0 && t->task->keys_hash != 0 && keys != t->task->keys_hash))
    {
        first_difference d = {.groups = (const char *const[]){"model", "tokens", "features", "cmvn", NULL}};
        look_for_difference(t, file, &d);
        return ting_fail(TING_ERR_MODEL, "%s: the checkpoint is of another network than the recipe's%s", file->path, d.text);
    }
    if (t->task->data_hash != 0 && id.data != t->task->data_hash) {
        first_difference d = {.groups = (const char *const[]){"data", "corpus", NULL}};
        look_for_difference(t, file, &d);
        return ting_fail(TING_ERR_MODEL, "%s: the checkpoint was trained on other data%s", file->path,
                         d.text[0] != '\0' ? d.text : " (what the recipe names is another list of recordings or texts by now)");
    }
    return TING_OK;
}

/* The fingerprint is no defence: a place that cannot be is refused. */
static ting_err check_place(const ting_trainer *t)
{
    const ting_place *p = &t->at;
    if (p->step < 0 || p->epoch < 0 || p->epoch > INT32_MAX || p->batch < 0 || p->decay_from < 0 || p->decay_steps < 0 ||
        p->skipped < 0)
        return ting_fail(TING_ERR_FORMAT, "%s: the checkpoint stands at step %lld of epoch %lld, batch %lld: it is damaged",
                         t->checkpoint_path, (long long)p->step, (long long)p->epoch, (long long)p->batch);
    return TING_OK;
}

/* A checkpoint of an earlier version has points that know less: five numbers, in the block "curve". */
static ting_err read_curve(ting_trainer *t, const ting_checkpoint *file)
{
    enum { EARLIER = 40 };
    const void *data, *size;
    size_t bytes = 0, size_bytes = 0;
    int64_t each = EARLIER;
    if (ting_checkpoint_find(file, "points", &data, &bytes)) {
        if (ting_checkpoint_find(file, "point_bytes", &size, &size_bytes) && size_bytes == sizeof each)
            memcpy(&each, size, sizeof each);
    } else if (!ting_checkpoint_find(file, "curve", &data, &bytes))
        return TING_OK;
    if (each < EARLIER || bytes < (size_t)each)
        return TING_OK;
    const size_t known = (size_t)each < sizeof *t->curve ? (size_t)each : sizeof *t->curve;
    t->curve_count = t->curve_room = bytes / (size_t)each;
    t->curve = ting_alloc(t->curve_count, sizeof *t->curve);
    if (t->curve == NULL)
        return TING_ERR_MEMORY;
    for (size_t i = 0; i < t->curve_count; i++) {
        ting_curve_point *p = &t->curve[i];
        *p = (ting_curve_point){.epoch = NAN, .norm = NAN, .units = NAN, .sound = NAN, .left_out = NAN, .skipped = NAN};
        for (int k = 0; k < TING_CURVE_TERMS; k++)
            p->terms[k] = NAN;
        memcpy(p, (const char *)data + i * (size_t)each, known);
    }
    const double left_out = t->curve[t->curve_count - 1].left_out;
    t->left_out = isfinite(left_out) ? left_out : 0;
    return TING_OK;
}

/* What is shown and recorded. The first weights are those that the training began with; its teacher is the last one. */
static void read_texts(ting_trainer *t, const ting_checkpoint *file)
{
    ting_checkpoint_text(file, "samples", &t->samples);
    ting_str_clear(&t->from);
    ting_checkpoint_text(file, "from", &t->from);
    if (t->teacher.length == 0)
        ting_checkpoint_text(file, "teacher", &t->teacher);
    ting_checkpoint_text(file, "changes", &t->changes);
}

void ting_trainer_change(void *self, const char *key, const char *before, const char *after)
{
    ting_trainer *t = self;
    ting_str_addf(&t->changes, "%s{\"step\":%lld,\"key\":", t->changes.length > 0 ? "," : "", (long long)t->at.step);
    ting_str_add_json(&t->changes, key);
    ting_str_add(&t->changes, ",\"before\":");
    before != NULL ? ting_str_add_json(&t->changes, before) : ting_str_add(&t->changes, "null");
    ting_str_add(&t->changes, ",\"after\":");
    after != NULL ? ting_str_add_json(&t->changes, after) : ting_str_add(&t->changes, "null");
    ting_str_add(&t->changes, "}");
    ting_log_write(t->options->log, TING_LOG_INFO, "%s is %s from here on, before: %s", key,
                   after != NULL ? after : "not given", before != NULL ? before : "not given");
}

/* The recipe of the checkpoint, beside that at hand: what differs counts from here on. Without one at hand it is the recipe. */
static ting_err read_recipe(ting_trainer *t, const ting_checkpoint *file)
{
    ting_err err = TING_OK;
    ting_yaml_doc before = {0};
    ting_str text = {0};
    const ting_yaml *own = t->options != NULL ? t->options->recipe : NULL;
    ting_checkpoint_text(file, "recipe", &text);
    if (text.length > 0) {
        TRY(ting_yaml_parse(file->path, text.text, text.length, &before));
        if (own != NULL)
            ting_yaml_compare(before.root, own, ting_trainer_change, t);
        else
            ting_str_add_bytes(&t->recipe, text.text, text.length);
    }
out:
    ting_yaml_free(&before);
    ting_str_free(&text);
    return err;
}

ting_err ting_trainer_restore(ting_trainer *t)
{
    ting_err err = TING_OK;
    ting_checkpoint file;
    identity id;
    ting_state_block blocks[BLOCKS];
    TRY(ting_checkpoint_open(t->checkpoint_path, &file));
    TRY(check_identity(t, &file));
    TRY(ting_checkpoint_read(&file, blocks, state_blocks(t, &id, blocks)));
    set_rates(t);
    TRY(check_place(t));
    TRY(read_curve(t, &file));
    read_texts(t, &file);
    TRY(read_recipe(t, &file));
out:
    ting_checkpoint_close(&file);
    return err;
}

/* ---- means of checkpoints ---- */

static ting_err add_weights(const ting_trainer *t, const char *path, double *sum)
{
    ting_err err = TING_OK;
    ting_checkpoint file;
    const char *name = t->average != NULL ? "average" : "weights";
    const void *data;
    size_t bytes;
    TRY(ting_checkpoint_open(path, &file));
    TRY(check_identity(t, &file));
    if (!ting_checkpoint_find(&file, name, &data, &bytes) || bytes != t->elements * sizeof(ting_real))
        FAIL(TING_ERR_MODEL, "%s: the checkpoint has no \"%s\" of %zu numbers", path, name, t->elements);
    const ting_real *values = data;
    for (size_t i = 0; i < t->elements; i++)
        sum[i] += (double)values[i];
out:
    ting_checkpoint_close(&file);
    return err;
}

ting_err ting_trainer_take_mean(ting_trainer *t, const char *folder, int count)
{
    ting_err err = TING_OK;
    int64_t *steps = NULL;
    size_t kept = 0;
    ting_real *values = ting_params_values(t->task->params);
    double *sum = ting_alloc(t->elements, sizeof *sum);
    if (sum == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_kept_steps(folder, t->at.step, &steps, &kept));
    if (kept < (size_t)count)
        FAIL(TING_ERR_ARGUMENT,
             "%s: a mean of %d checkpoints was asked for, %zu are kept: `keep` in the recipe's group `train` "
             "says how many stay",
             folder, count, kept);
    for (size_t i = kept - (size_t)count; i < kept; i++) {
        char *path = ting_kept_path(folder, steps[i]);
        err = path != NULL ? add_weights(t, path, sum) : TING_ERR_MEMORY;
        ting_free(path);
        TRY(err);
    }
    for (size_t i = 0; i < t->elements; i++)
        values[i] = (ting_real)(sum[i] / count);
out:
    ting_free(steps);
    ting_free(sum);
    return err;
}

/* ---- ranks ---- */

ting_err ting_trainer_compare(const ting_trainer *t)
{
    ting_err err = TING_OK;
    const ting_yaml *recipe = t->options->recipe;
    TRY(ting_ranks_same(t->ranks, "recipe", recipe != NULL ? ting_yaml_fingerprint(recipe) : 0));
    TRY(ting_ranks_same(t->ranks, "network", network_hash(t->task)));
    TRY(ting_ranks_same(t->ranks, "network", t->task->keys_hash));
    TRY(ting_ranks_same(t->ranks, "list of recordings or texts", t->task->data_hash));
    TRY(ting_ranks_same(t->ranks, "--finish", (uint64_t)t->options->finish));
    TRY(ting_ranks_same(t->ranks, "checkpoint (all must see the same folder)", (uint64_t)t->at.step));
    TRY(ting_ranks_same(t->ranks, "processor level (TING_CPU sets it)", (uint64_t)t->kern->level));
out:
    return err;
}
