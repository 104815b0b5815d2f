/* SPDX-License-Identifier: Apache-2.0 */
/* trained.c - what became of a training, for its export: weights, curve, record (trainer.h). */
#include "train/trainer.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/yaml_text.h"
#include "train/checkpoint.h"
#include "train/trainer_state.h"

#include <string.h>

/* NULL for an empty one. */
static char *hand_over(ting_str *str)
{
    char *text = str->length > 0 ? str->text : NULL;
    if (text != NULL)
        *str = (ting_str){0};
    return text;
}

char *ting_trainer_folder_beside(const char *output)
{
    ting_str out = {0};
    const char *ending = strrchr(output, '.');
    ting_str_add_bytes(&out, output, ending != NULL && strchr(ending, '/') == NULL ? (size_t)(ending - output) : strlen(output));
    ting_str_add(&out, ".training");
    if (ting_str_ok(&out))
        return out.text;
    ting_str_free(&out);
    return NULL;
}

ting_err ting_trainer_load(const ting_task *task, const ting_train_plan *plan, const char *folder, int mean,
                           ting_training *out)
{
    ting_err err = TING_OK;
    *out = (ting_training){0};
    ting_trainer *t = ting_alloc(1, sizeof *t);
    if (t == NULL)
        return TING_ERR_MEMORY;
    *t = (ting_trainer){.task = task, .plan = plan, .claim = -1};
    TRY(ting_trainer_make(t, folder));
    if (!ting_file_exists(t->checkpoint_path))
        FAIL(TING_ERR_ARGUMENT, "%s: there is no checkpoint to export", t->checkpoint_path);
    TRY(ting_trainer_restore(t));
    if (mean > 0)
        TRY(ting_trainer_take_mean(t, folder, mean));
    else
        ting_trainer_swap_average(t);
    *out = (ting_training){t->at.step,
                           t->at.epoch,
                           t->at.skipped,
                           mean,
                           t->curve,
                           t->curve_count,
                           hand_over(&t->from),
                           hand_over(&t->teacher),
                           hand_over(&t->recipe),
                           hand_over(&t->changes)};
    t->curve = NULL;
out:
    ting_trainer_drop(t);
    ting_free(t);
    return err;
}

void ting_training_free(ting_training *training)
{
    ting_free(training->curve);
    ting_free(training->from);
    ting_free(training->teacher);
    ting_free(training->recipe);
    ting_free(training->changes);
    *training = (ting_training){0};
}

ting_dtype ting_export_dtype(ting_export_type type)
{
    static const ting_dtype types[] = {[TING_EXPORT_F32] = TING_DTYPE_F32, [TING_EXPORT_F16] = TING_DTYPE_F16,
                                       [TING_EXPORT_BF16] = TING_DTYPE_BF16, [TING_EXPORT_INT8] = TING_DTYPE_I8};
    return types[type];
}

bool ting_trainer_has_checkpoint(const char *folder)
{
    char *path = ting_path_join(folder, "checkpoint");
    bool there = path != NULL && ting_file_exists(path);
    ting_free(path);
    return there;
}

static void say_difference(void *log, const char *key, const char *before, const char *after)
{
    ting_log_write(log, TING_LOG_WARNING, "%s: %s counts, with which the training ran, not what is given now: %s", key,
                   before != NULL ? before : "not given", after != NULL ? after : "not given");
}

ting_err ting_trainer_recipe(const char *folder, const ting_yaml *given, const ting_log *log, ting_str *out)
{
    ting_err err = TING_OK;
    ting_yaml_doc kept = {0};
    ting_log remarks = *log;
    ting_checkpoint file = {0};
    char *path = ting_path_join(folder, "checkpoint");
    if (path == NULL)
        return TING_ERR_MEMORY;
    if (ting_file_exists(path)) {
        TRY(ting_checkpoint_open(path, &file));
        ting_checkpoint_text(&file, "recipe", out);
        TRY(out->failed ? TING_ERR_MEMORY : TING_OK);
    }
    if (out->length > 0) {
        TRY(ting_yaml_parse(path, out->text, out->length, &kept));
        ting_yaml_compare(kept.root, given, say_difference, &remarks);
    }
out:
    ting_yaml_free(&kept);
    ting_checkpoint_close(&file);
    ting_free(path);
    return err;
}
