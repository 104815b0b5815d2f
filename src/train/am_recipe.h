/* SPDX-License-Identifier: Apache-2.0 */
/*
 * am_recipe.h - what `tingxie train am RECIPE.yaml` trains and how: groups `corpus`, `model`, `tokens`, `features`, `data`, `augment`,
 * `loss`, `train`.
 *
 * Every key has a default (in am_recipe.c, those of `model` in am_recipe_model.c); unknown keys and wrong types are errors
 * that name the line.
 * docs/TRAINING.md names all of them; recipes/smoke.yaml is a small one with a remark at those that matter.
 */
#ifndef TING_TRAIN_AM_RECIPE_H
#define TING_TRAIN_AM_RECIPE_H

#include "data/augment.h"
#include "data/label.h"
#include "feat/feature.h"
#include "model/am_net.h"
#include "train/plan.h"

enum { TING_MOST_CHUNKS = 8, TING_MOST_SOURCES = 64 };

typedef struct ting_am_source { /* of utterances; texts borrow from the recipe's document */
    const char *manifest;       /* under the data folder unless absolute */
    const char *only;           /* see data/manifest.h; NULL: all */
    double weight;              /* times an epoch */
} ting_am_source;

typedef enum ting_teacher_hears { /* of the first view */
    TING_HEARS_VOICE, /* what no room, noise or line has spoiled */
    TING_HEARS_LINE,  /* with them, but at its own level and without masks */
    TING_HEARS_ALL    /* what the network hears */
} ting_teacher_hears;

enum { TING_TEACHER_HEARS = 3 };
extern const char *const ting_teacher_hears_names[TING_TEACHER_HEARS];

typedef struct ting_am_loss { /* what each loss is multiplied with; 0: it is not computed */
    double ctc;
    double transducer; /* of the pruned or whole lattice */
    double attention;  /* of the attention decoder, whose weight against CTC WeNet calls 1 - ctc_weight */
    double reverse;    /* share of the one that reads from the last token */
    double smoothing;  /* of its labels: what the other tokens are given in all */
    double simple;     /* of its simple part (loss/simple_transducer.h) after the warm-up */
    int simple_warmup; /* batches of the reference (reference_batches) in which the weights go from simple to pruned */
    int prune;         /* states a frame; 0: the whole lattice, without a simple part */
    double lm_only, am_only;
    double consistency; /* CR-CTC: two views of each utterance */
    double rows;        /* distance of the projected rows from the teacher's */
    double hints;       /* distance of what the networks show on their way (am_hints.h) */
    ting_teacher_hears hears;
    bool pseudo;        /* utterances without text get what the teacher says as their label */
    double given;       /* share of the steps in which each stack hears what the teacher's heard */
    double posteriors;  /* divergence of the joiner's posteriors from the teacher's, along what the teacher says */
} ting_am_loss;

typedef struct ting_am_recipe {
    ting_yaml_doc doc;
    const char *path;
    const char *corpus;   /* a name of ting_corpus_options; NULL: none. Its manifests are made where they are missing */
    bool validated;       /* see ting_corpus_options */
    ting_am_config model; /* heads without their vocabulary, which the tokens give */
    bool ctc_head, transducer_head;
    ting_real
        ctc_dropout; /* of the encoder's rows before the CTC head; 0.1 for a Zipformer, 0 for a Conformer, as the references */
    int chunks[TING_MOST_CHUNKS],
        lefts[TING_MOST_CHUNKS]; /* rows of the output; drawn for each batch; chunk 0: the whole */
    int chunk_count, left_count; /* utterance; left < 0: all before the chunk */
    ting_token_table table;
    const char *token_file; /* tokens.txt instead of a table; NULL: the table */
    ting_feature_config features;
    const char *cmvn; /* file of global mean and variance; NULL: none */
    ting_am_source *train, *measure;
    int train_count, measure_count;
    double seconds;           /* of sound a step */
    int window;               /* utterances sorted together by length */
    double shortest, longest; /* utterances, seconds */
    int memory;               /* MiB for decoded sound */
    int loaders;              /* threads that make batches */
    bool augmented;
    ting_augment_plan augment;
    ting_am_loss loss;
    ting_train_plan plan;
    int measure_utterances; /* at most; 0: all */
    double
        reference_batches; /* what a step counts for in schedules of training behaviour (nn/steer.h); 0: seconds / 600 */
} ting_am_recipe;

/* `settings` change it (ting_yaml_set), in order, ending with NULL; NULL: none. Errors: io; format, naming the line;
 * argument (a setting). Free with ting_am_recipe_free. */
ting_err ting_am_recipe_load(const char *path, const char *const *settings, ting_am_recipe *out);

/* The same of a text, such as a checkpoint keeps; label stands for its path. Both borrowed until the recipe is freed. */
ting_err ting_am_recipe_parse(const char *label, const char *text, ting_am_recipe *out);
void ting_am_recipe_free(ting_am_recipe *recipe);

/* Whether a teacher network is needed. */
bool ting_am_recipe_is_taught(const ting_am_recipe *recipe);

#endif
