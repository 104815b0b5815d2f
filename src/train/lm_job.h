/* SPDX-License-Identifier: Apache-2.0 */
/* lm_job.h - what the trainings of n-grams (lm_train_ngram.c) and networks (lm_train_net.c) share; for lm_train.c and those. */
#ifndef TING_TRAIN_LM_JOB_H
#define TING_TRAIN_LM_JOB_H

#include "base/log.h"
#include "base/yaml.h"
#include "model/gguf.h"
#include "tingxie_train.h"
#include "train/lm_from.h"
#include "train/lm_recipe.h"
#include "train/lm_text.h"

#include <jansson.h>

typedef struct ting_lm_job {
    const ting_lm_options *options;
    const ting_log *log;
    ting_yaml_doc doc;
    ting_lm_recipe recipe;
    ting_lm_text text;
    ting_lm_text_counts counts[TING_LM_MOST_SOURCES]; /* of each source, once it has been read */
    ting_lm_from from; /* with options->from */
    double began;
} ting_lm_job;

double ting_lm_now(void); /* seconds of a clock that never goes back */

/* One source, in words, and what it held: remarked, and in job->counts. Errors: those of take; io, format, memory, cancelled. */
ting_err ting_lm_job_read(ting_lm_job *job, int source, ting_err (*take)(void *self, const ting_cut *sentence), void *self);

/* What was measured on a source, into the report and the remarks. */
void ting_lm_job_measured(ting_lm_job *job, int source, double log_prob, ting_lm_report *report);

/* Behind all sources: report->perplexity. */
void ting_lm_job_all_measured(double log_prob, ting_lm_report *report);

/* Begins a model file: schema, licence, authors, source and the record of the training, which is `more` (taken) and what is common:
 * seconds, perplexity, sources, recipe. Errors: memory. */
ting_err ting_lm_job_begin_file(ting_lm_job *job, const ting_lm_report *report, json_t *more, ting_gguf_writer **out);

/* What becomes of a recipe's texts. Errors: see ting_train_lm. */
ting_err ting_lm_train_ngram(ting_lm_job *job, ting_lm_report *report);
ting_err ting_lm_train_net(ting_lm_job *job, ting_lm_report *report);

#endif
