/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tingxie_train.h - the training interface, beside tingxie.h: data, training, export. In libtingxie_train.
 *
 *     ting_train_options options = {.recipe = "recipes/p2h.yaml", .data = "p2h.corpus", .folder = "run"};
 *     if (ting_train_p2h(&options) != TING_OK || ting_export_p2h(&options, "p2h.gguf", TING_EXPORT_INT8, "CC0-1.0") != TING_OK)
 *         fprintf(stderr, "%s\n", ting_error_message());
 *
 * A training is a recipe (YAML), its data and a folder, which gets `checkpoint` (the whole state, replaced atomically) and
 * `curves.html`. A folder that holds a checkpoint is continued exactly where it stopped, on any number of threads.
 * Launched by mpirun, the processes train one network together: docs/TRAINING-RANKS.md.
 * Strings and callbacks are borrowed during a call. Several threads may train at once, each in a folder of its own.
 */
#ifndef TINGXIE_TRAIN_H
#define TINGXIE_TRAIN_H

#include "tingxie.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Remarks of the library, a sentence each. */
typedef struct ting_remarks {
    void (*say)(void *self, const char *sentence); /* NULL: silence */
    void *self;
} ting_remarks;

/* ---- recordings for an acoustic model ---- */

/* What can be wrong with a clip of a manifest; several may be true of one. */
typedef enum ting_problem {
    TING_PROBLEM_LINE,       /* a line of the manifest that says no clip */
    TING_PROBLEM_MISSING,    /* no such file */
    TING_PROBLEM_UNREADABLE, /* empty, not sound, damaged */
    TING_PROBLEM_TRUNCATED,  /* the sound ends before its header says; without decoding only some formats show it */
    TING_PROBLEM_LENGTH,     /* not as long as the manifest says, or a piece beyond the end of its file */
    TING_PROBLEM_SHORT,
    TING_PROBLEM_LONG,
    TING_PROBLEM_SILENT,     /* decoding: the standard deviation is below -60 dB of full scale */
    TING_PROBLEM_CLIPPED,    /* decoding: more than one sample in a thousand stands at full scale */
    TING_PROBLEM_LABEL,      /* more tokens than rows of the encoder; a repeat counts for two */
    TING_PROBLEM_READING,    /* a character that no table reads: a rare hanzi, Latin, a digit */
    TING_PROBLEM_PINYIN,     /* a word that is no syllable, or not a syllable for each hanzi */
    TING_PROBLEM_DUPLICATE,  /* an id that an earlier clip has */
    TING_PROBLEMS
} ting_problem;

/* "missing", ...; static. */
TING_API const char *ting_problem_name(ting_problem problem);

enum { TING_LENGTH_BINS = 16, TING_RATES = 8 };

typedef struct ting_data_summary {
    size_t clips, good;                   /* good: without any problem */
    size_t labelled;                      /* with text or pinyin */
    size_t speakers;                      /* different ones */
    size_t unnamed;                       /* clips without one */
    double seconds, shortest, longest;    /* of clips whose length is known */
    size_t lengths[TING_LENGTH_BINS];     /* clips of 0 to 2 s, 2 to 4 s, ..., 30 s and more */
    int rates[TING_RATES];                /* Hz, ascending; 0: no more */
    size_t rate_clips[TING_RATES];        /* clips of each; what does not fit is not counted */
    size_t hanzi, different_hanzi;        /* in the texts */
    size_t syllables;                     /* in the labels: given pinyin, else what the tables read */
    int different_syllables;              /* toned */
    int common_syllables;                 /* in common use in Mandarin, whatever is here ... */
    int different_common;                 /* ... of them here ... */
    int rare_syllables;                   /* ... with 1 to 9 examples */
    size_t problems[TING_PROBLEMS];       /* clips with each; lines for TING_PROBLEM_LINE */
} ting_data_summary;

/* What a network is taught to write. */
typedef enum ting_token_table {
    TING_TOKENS_PARTS,     /* initials, finals with tone: about 200 */
    TING_TOKENS_SYLLABLES, /* toned syllables: about 1,500 */
    TING_TOKENS_CHARACTERS /* what the texts of a training are written with */
} ting_token_table;

typedef struct ting_data_options { /* start with {0} */
    const char *manifest;     /* file or Kaldi folder; its forms stand in docs/DATA.md */
    const char *base;         /* folder that relative paths start from; NULL: the manifest's own */
    const char *only;         /* "split=dev": clips whose column says this; NULL: all */
    const char *lexicon;      /* folder of pinyin tables; NULL: text is not read, labels are given pinyin alone */
    const char *output;       /* gets the good clips as a manifest with lengths and pinyin; NULL: none */
    int decode;               /* 1: all samples are looked at; 0: headers, and all of files that don't say their length */
    int threads;              /* 0: one for each processor */
    double shortest, longest; /* seconds; 0: 0.1 and 30 */
    double rows;              /* that the encoder has a second, for labels too long; 0: 25 */
    ting_token_table tokens;  /* of the label */
    size_t most;              /* of each problem so many are said */
    ting_remarks problems;    /* "id: what is wrong", in the order of the manifest */
    void (*progress)(void *self, size_t done, size_t clips); /* NULL: none */
    int (*stop)(void *self);  /* asked now and then, by any thread; 1: return TING_ERR_CANCELLED. NULL: never */
    void *self;
} ting_data_options;

/* Opens every sound of a manifest, reads every label, and sums up. The result does not depend on the number of threads.
 * Problems are no error. Errors: io, format (no manifest, or no clip in it), argument (`only`; the output is the
 * manifest), memory, cancelled; no output is written then. */
TING_API ting_err ting_check_data(const ting_data_options *options, ting_data_summary *summary);

enum { TING_CORPUS_PARTS = 3 };

typedef struct ting_corpus_part {
    const char *name; /* "train": the manifest is <output>/train.tsv; static */
    size_t clips;     /* 0: the part is not there, and no manifest of it was written */
    size_t left_out;  /* sentences whose sound is missing or unreadable, or that have no text */
    size_t no_pinyin; /* clips whose pinyin does not fit their text, and is not taken over */
    double seconds;
} ting_corpus_part;

typedef struct ting_corpus_counts {
    const char *title, *licence, *source; /* "AISHELL-1", SPDX, address; static */
    ting_corpus_part parts[TING_CORPUS_PARTS];
    int part_count;
} ting_corpus_counts;

typedef struct ting_corpus_options { /* start with {0} */
    const char *corpus;     /* aishell1, aishell3, commonvoice-zh or thchs30; their layouts stand in docs/DATA.md */
    const char *folder;     /* the corpus as it is downloaded and unpacked */
    const char *output;     /* folder for the manifests; it is made */
    int validated;          /* 1: train.tsv gets every validated clip of a speaker who is in neither dev nor test;
                             * for commonvoice-zh alone */
    int threads;            /* 0: one for each processor */
    ting_remarks remarks;   /* what is left out; the first ten of each part */
    void (*progress)(void *self, size_t done, size_t clips); /* NULL: none */
    int (*stop)(void *self); /* asked now and then, by any thread; 1: return TING_ERR_CANCELLED. NULL: never */
    void *self;
} ting_corpus_options;

/* A public corpus to manifests with the text without spaces and punctuation, and the length of each clip. Errors:
 * argument (no such corpus), format (the folder is not laid out like it, or still packed: the sentence says what to do),
 * io, memory, cancelled; nothing is written then. */
TING_API ting_err ting_prepare_corpus(const ting_corpus_options *options, ting_corpus_counts *counts);

typedef struct ting_cmvn_options { /* start with {0} */
    const char *manifest, *base, *only; /* as for ting_data_options */
    const char *features;               /* settings of docs/FEATURES.md, as in the recipe; NULL: icefall */
    const char *output;                 /* the file to write */
    int threads;                        /* 0: one for each processor */
    ting_remarks remarks;               /* what is left out; the first ten */
    void (*progress)(void *self, size_t done, size_t clips); /* NULL: none */
    int (*stop)(void *self);            /* asked now and then; 1: return TING_ERR_CANCELLED. NULL: never */
    void *self;
} ting_cmvn_options;

typedef struct ting_cmvn_counts {
    size_t clips, left_out; /* left out: no sound, or more than ten minutes of it */
    size_t frames;
    double seconds;
} ting_cmvn_counts;

/* Mean and variance of the features of a manifest's sounds, as the file (WeNet's global_cmvn) that a recipe with cmvn=global names;
 * the same on any number of threads. Errors: format (settings, manifest), argument (settings that normalise by each recording's own
 * mean; `only`; no clip can be used; the output is the manifest), io, memory, cancelled; nothing is written then. */
TING_API ting_err ting_compute_cmvn(const ting_cmvn_options *options, ting_cmvn_counts *counts);

/* ---- text for a pinyin-to-hanzi network ---- */

typedef struct ting_p2h_files {
    const char *settings, *output; /* YAML that names the texts (src/data/p2h_prepare.h); the corpus file to write */
    const char *base;              /* folder that paths in the settings start from; NULL: the working directory */
    const char *lexicon;           /* folder of pinyin tables */
} ting_p2h_files;

typedef struct ting_p2h_counts {
    size_t sentences, tokens;  /* written */
    size_t excluded;           /* lines dropped because their text is held out */
    size_t rare;               /* tokens whose character fell under the cut */
    size_t readings;
    int characters, syllables; /* of the tables */
} ting_p2h_counts;

/* Text files to a corpus; a function of the files and the settings alone. Errors: io, format, memory. */
TING_API ting_err ting_prepare_p2h(const ting_p2h_files *files, const ting_remarks *remarks, ting_p2h_counts *counts);

typedef struct ting_splice_options { /* start with {0} */
    const char *manifest, *only; /* clips of words and syllables, as for ting_data_options; a speaker's are never mixed with another's */
    const char *sentences;       /* a line each, 2 to 60 hanzi; others are passed over. May be xz */
    const char *output;          /* folder that gets WAV files and spliced.tsv; it is made */
    const char *lexicon;         /* folder of pinyin tables */
    const char *plan;            /* YAML: how clips are joined, keys of docs/AUGMENT.md; NULL: the defaults */
    int count, seed;             /* sentences to make; each is drawn, and so is who says it */
    int each;                    /* 1: every sentence once, in their order, instead; what nobody can say is left out with a remark */
    ting_remarks remarks;
    void (*progress)(void *self, size_t done, size_t sentences); /* NULL: none */
    int (*stop)(void *self);     /* asked after each; 1: return TING_ERR_CANCELLED. NULL: never */
    void *self;
} ting_splice_options;

/* Sentences that nobody said, joined from clips of one speaker each (docs/AUGMENT.md). A function of files, count and seed.
 * Errors: io, format (the plan too), argument (no clip or sentence can be read; the clips lack syllables), memory, cancelled:
 * no manifest is written then. */
TING_API ting_err ting_splice_corpus(const ting_splice_options *options);

/* Spoken digits that nobody spoke, to see a training at work where there is no data (recipes/smoke.yaml): WAV files and
 * train.tsv and dev.tsv, which get nine and one in ten of the clips, in a folder that is made. A function of count (10 to 100000)
 * and seed. Errors: argument, io, memory. */
TING_API ting_err ting_make_toy_corpus(const char *folder, int count, int seed);

/* ---- language models ---- */

struct ting_train_report; /* below */

typedef struct ting_lm_options { /* start with {0} */
    const char *recipe, *output; /* YAML (docs/LM.md, recipes/lm-ngram.yaml); the model file to write */
    const char *base;            /* folder that paths in the recipe start from; NULL: the working directory */
    const char *const *settings; /* changes to the recipe ("model.kind=gpt") in order, ending with NULL; NULL: none */
    const char *licence, *authors; /* to state in the file; NULL: it does not say */
    ting_remarks remarks;
    int (*stop)(void *self); /* asked now and then; 1: TING_ERR_CANCELLED, no model is written. NULL: never */
    /* for networks: */
    const char *folder; /* of the checkpoint and the curves, made; one that holds a checkpoint is continued. NULL: the output's name with
                           ".training" in the place of its ending */
    int threads;        /* 0: one for each processor */
    long finish;        /* > 0: let the learning rate fall to its end within so many steps from now on */
    const char *from;   /* a model file whose network has the recipe's settings: the training begins with its words and weights. NULL:
                           with words of the texts and drawn weights */
    int type;           /* of the matrices in the file, a ting_export_type */
    void (*report)(void *self, const struct ting_train_report *report); /* at the recipe's intervals; NULL: none */
    void *self;
} ting_lm_options;

typedef struct ting_lm_report {
    int order;                                /* of n-grams; 0: it is a network */
    size_t words, ngrams[8];                  /* [order] */
    size_t parameters;                        /* of a network */
    double seconds;                           /* of training: from texts to the model; of a network over all runs, its steps alone */
    size_t held_sentences, held_characters;   /* measured on */
    double perplexity; /* a character of what is held out, where the end of each sentence counts as one; -1: nothing is held out */
} ting_lm_report;

/* Text files to a language model: n-grams, or a network, which is trained to the end of its recipe's plan, from the folder's checkpoint
 * where there is one. A function of the files and the recipe alone. Errors: io, format (recipe, texts, checkpoint), argument (the output
 * is a file that is read, or its name ends neither in .gguf nor, of n-grams, in .arpa), model, memory, numeric (the training diverged),
 * unsupported (too many n-grams), cancelled. */
TING_API ting_err ting_train_lm(const ting_lm_options *options, ting_lm_report *report);

enum { TING_LM_MIX_MOST = 16 };

typedef struct ting_lm_mix_options { /* start with {0} */
    const char *const *models; /* [count] n-gram models, .gguf or .arpa; 1 to TING_LM_MIX_MOST */
    int count;
    const double *weights; /* [count] shares, none below 0; they are divided by their sum. NULL: found on `tune` */
    const char *tune;      /* text like what will be recognised, a sentence a line, plain or xz; without weights */
    double prune;          /* n-grams whose loss raises perplexity by less than this share leave; 0: none */
    const char *output;    /* model file to write, .gguf or .arpa */
    const char *licence, *authors; /* to state in the file; NULL: it does not say */
    ting_remarks remarks;
    int (*stop)(void *self); /* asked now and then; 1: TING_ERR_CANCELLED, nothing is written. NULL: never */
    void *self;
} ting_lm_mix_options;

typedef struct ting_lm_mix_report {
    double weights[TING_LM_MIX_MOST]; /* [count] of sum 1 */
    int order;
    size_t words, ngrams[8];    /* [order] of what was written */
    size_t sentences, unknown;  /* of `tune`; words of it that no model knows, which do not count */
    double perplexity;          /* a word of `tune`, of the models mixed word by word; -1: weights were given */
} ting_lm_mix_report;

/* Several n-gram models as one: their weighted mean for every n-gram that one of them lists (docs/LM.md). Memory: some 80 bytes for each
 * n-gram of what is made. Errors: io, format, model (a model that is not of n-grams), argument (weights; the output is a
 * file that is read, or its name ends otherwise), memory, unsupported (too many n-grams), cancelled. */
TING_API ting_err ting_mix_lm(const ting_lm_mix_options *options, ting_lm_mix_report *report);

typedef struct ting_adapt_options { /* start with {0} and weight -1 */
    const char *model;         /* as ting_model_open takes it: what it lacks comes from the usual places */
    const char *folder;        /* as in ting_model_options; NULL: the usual places */
    const char *const *texts;  /* [text_count] files of the domain, at least one; plain or xz, "-" for standard input */
    int text_count;
    const char *const *tables; /* [table_count] readings that count before the lexicon's: hanzi, a tab, syllables */
    int table_count;
    const char *lm;        /* model file whose n-grams are mixed with those of the text; NULL: that which `model` works with */
    double weight;         /* share of the text's n-grams, 0 to 1; -1: the likeliest on a tenth of the text, at most 0.5, so that other
                              text does not suffer */
    double prune;          /* as in ting_lm_mix_options */
    const char *output;    /* model file to write, .gguf */
    const char *licence, *authors; /* of the language model, to state in the file; NULL: it does not say */
    ting_remarks remarks;
    int (*stop)(void *self); /* asked now and then; 1: TING_ERR_CANCELLED, nothing is written. NULL: never */
    long finetune; /* steps that pinyin to hanzi is trained on the text, up to 1,000,000, in the output's name with ".training" for its
                      ending, where it goes on if it was stopped; 0: none */
    int threads;   /* of that; 0: one for each processor */
    void (*report)(void *self, const struct ting_train_report *report); /* of that, now and then; NULL: none */
    void *self;
} ting_adapt_options;

typedef struct ting_adapt_report {
    size_t sentences, characters, held; /* of the texts; held: sentences that the weight was looked for on */
    double weight, found;               /* taken; the likeliest, or -1: too little text to tell */
    double before, after; /* perplexity a word of the held sentences, by the language model as it was and with n-grams of the others; -1 */
    size_t new_characters, new_readings; /* of the pinyin-to-hanzi table */
    size_t strange;                      /* different hanzi of the texts that it still cannot write: neither standard nor in `tables` */
    long steps;                          /* that it was trained; 0: none, and the next two are -1 */
    double errors_before, errors_after;  /* share of characters wrong in up to 1,000 held sentences, by the network alone; -1: none held */
    int order;
    size_t words, ngrams[8];
} ting_adapt_report;

/* A model that knows a domain from its text: n-grams of the text mixed into the language model, characters and readings that
 * pinyin-to-hanzi lacks; all in one file, with the acoustic network as it was (docs/ADAPT.md). Errors: those of ting_model_open and
 * ting_mix_lm; format (no text); unsupported (a model that no language model weighs), cancelled. */
TING_API ting_err ting_adapt(const ting_adapt_options *options, ting_adapt_report *report);

/* ---- training ---- */

typedef struct ting_train_report { /* means since the report before */
    long step, steps;
    int epoch;
    double loss, rate, norm; /* per unit; learning rate; of the gradient before clipping */
    double units_per_second; /* characters for text */
    double sound_per_second; /* seconds of sound, or < 0: it is not sound */
    double seconds_left;     /* to the end of the plan, at the pace of this run */
    double errors;           /* error rate on what is held out, or < 0: not measured at this step ... */
    const char *error_name;  /* ... and what it is: "character error rate"; static */
    int plain_errors;        /* 1: it is a number, like perplexity, and no share to show in percent */
    const char *note;        /* terms of the loss and the like; "" for none. Borrows during the call */
    double activations;      /* bytes that a step since the report before took at most, beside weights and moments */
} ting_train_report;

typedef struct ting_train_options { /* start with {0} */
    const char *recipe; /* YAML (docs/TRAINING.md, recipes/p2h.yaml) */
    const char *data;   /* pinyin to hanzi: the corpus file of ting_prepare_p2h. Acoustic networks: the folder that the recipe's
                           manifests start from; NULL: folder/data for a recipe that names a corpus, else the working directory */
    const char *folder; /* of the checkpoint and the curves; it is made */
    const char *const *settings; /* acoustic networks: changes to the recipe ("train.steps=500") in order, ending with
                                    NULL; NULL: none */
    const char *corpus; /* acoustic networks: folder of the public corpus that the recipe names, from which missing
                           manifests are made; NULL: none is missing */
    int threads;      /* 0: one for each processor */
    long finish;      /* > 0: let the learning rate fall to its end within so many steps from now on, then stop; after the
                         warm-up of the recipe */
    int mean;         /* export: the mean of the last so many kept checkpoints (`keep` in the recipe); 0: the last one */
    const char *from; /* a model file to begin with; NULL: random numbers. Not used where a checkpoint is */
    const char *authors; /* export: who trained the network; NULL: the file does not say */
    const char *teacher; /* acoustic networks: the recogniser that a recipe with a teacher learns from, a file or a folder with a
                            public model */
    ting_remarks remarks;
    void (*report)(void *self, const ting_train_report *report); /* at the recipe's intervals; NULL: none */
    int (*stop)(void *self); /* asked at each step, for acoustic networks also now and then while files are opened and errors are
                                measured; 1: write a checkpoint, if a step was made, and return TING_ERR_CANCELLED. NULL: never */
    void *self;
} ting_train_options;

/* Trains a pinyin-to-hanzi network to the end of its recipe, or goes on from the checkpoint in the folder. Errors: argument
 * (`finish` during the warm-up), io, format (recipe, corpus, checkpoint), model, memory, numeric (the training diverged),
 * cancelled. */
TING_API ting_err ting_train_p2h(const ting_train_options *options);

typedef enum ting_export_type { TING_EXPORT_F32, TING_EXPORT_F16, TING_EXPORT_BF16, TING_EXPORT_INT8 } ting_export_type;

/* Writes the checkpoint's averaged weights (or the mean of several, see `mean`) as a model file, with the record of the
 * training; `licence` is an SPDX expression; NULL: none is stated. Errors: argument (no checkpoint, or fewer than `mean`), io,
 * format, model, memory. */
TING_API ting_err ting_export_p2h(const ting_train_options *options, const char *path, ting_export_type type,
                                  const char *licence);

/* The same for an acoustic network; a unit is a row of the encoder's output. Where a recipe names a corpus whose manifests are
 * missing, they are made first, and remarks tell how far that is. Errors: unsupported too (a teacher that cannot be run here).
 *
 * An export needs no data: of the options ting_export_am reads recipe, settings, folder, mean and authors, ting_export_p2h
 * recipe, data, folder, mean and authors; both tell remarks. The recipe that the checkpoint keeps counts; a remark names what the
 * given one says otherwise. */
TING_API ting_err ting_train_am(const ting_train_options *options);
TING_API ting_err ting_export_am(const ting_train_options *options, const char *path, ting_export_type type,
                                 const char *licence);

#ifdef __cplusplus
}
#endif

#endif
