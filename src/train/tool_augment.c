/* SPDX-License-Identifier: Apache-2.0 */
/* tool_augment.c - see tool_augment.h. */
#include "train/tool_augment.h"

#include "audio/wav.h"
#include "base/file.h"
#include "base/yaml.h"
#include "data/augment.h"

static ting_err read_plan(const ting_augment_job *job, ting_yaml_doc *doc, ting_augment_plan *plan)
{
    ting_err err = TING_OK;
    ting_yaml *group;
    TRY(ting_yaml_load(job->recipe, doc));
    TRY(ting_yaml_child(doc->root, "augment", TING_YAML_MAP, &group));
    TRY(ting_augment_plan_read(group != NULL ? group : doc->root, plan));
    plan->base = job->folder;
out:
    return err;
}

ting_err ting_tool_augment(const ting_augment_job *job)
{
    ting_err err = TING_OK;
    ting_yaml_doc doc = {0};
    ting_augment_plan plan;
    ting_augment *augment = NULL;
    ting_sound sound = {0};
    ting_rng rng = ting_rng_for((uint64_t)job->seed, TING_RNG_BATCH, 0, 0);
    TRY(ting_file_apart(job->input, job->output));
    TRY(ting_file_apart(job->recipe, job->output));
    TRY(ting_sound_load(job->input, 0, &sound));
    TRY(read_plan(job, &doc, &plan));
    TRY(ting_augment_new(&plan, job->log, &augment));
    TRY(ting_augment_voice(augment, &rng, &sound));
    TRY(ting_augment_channel(augment, &rng, &sound));
    TRY(ting_wav_save(job->output, sound.samples, sound.count, TING_SOUND_RATE));
out:
    ting_augment_free(augment);
    ting_yaml_free(&doc);
    ting_sound_free(&sound);
    return err;
}
