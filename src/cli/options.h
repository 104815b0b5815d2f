/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - command lines by table: the same rows parse, explain themselves in --help, and become
 * man pages and shell completions.
 *
 *     struct options { const char *model; int threads, format; ting_values keywords; };
 *     static const ting_option table[] = {
 *         {'m', "model", TING_OPTION_FILE, offsetof(struct options, model), "MODEL", "which model"},
 *         {'t', "threads", TING_OPTION_INT, offsetof(struct options, threads), "N", "threads",
 *          .min = 1, .max = 1024, .unset = "all processors"},
 *         {'f', "format", TING_OPTION_CHOICE, offsetof(struct options, format), "FORMAT", "how",
 *          .choices = "txt json"},
 *         {0},
 *     };
 *
 * Accepted forms: -m X, -mX, --model X, --model=X; letters of flags in one word (-qv); "--" ends the
 * options; a lone "-" is an input. An option with `bare` takes its value only in the attached forms, so
 * that it can stand alone. The last of several wins, except for lists, which collect.
 */
#ifndef TING_CLI_OPTIONS_H
#define TING_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ting_option_kind {
    TING_OPTION_FLAG,   /* bool; --no-NAME switches it off when `negatable` */
    TING_OPTION_TEXT,   /* const char *, borrows from argv */
    TING_OPTION_FILE,   /* the same; shells complete paths */
    TING_OPTION_FOLDER, /* the same; shells complete folders */
    TING_OPTION_INT,    /* int within [min, max] */
    TING_OPTION_REAL,   /* double within [min, max], finite */
    TING_OPTION_CHOICE, /* int: index into `choices` */
    TING_OPTION_LIST    /* ting_values: every value given, in order */
} ting_option_kind;

typedef struct ting_values {
    const char **items; /* owned by the parsed options; the texts borrow from argv */
    int count;
} ting_values;

typedef struct ting_option {
    char letter;           /* 0: none */
    const char *name;      /* long name without dashes; NULL ends the table */
    ting_option_kind kind;
    size_t offset;         /* of the field in the command's options struct */
    const char *value;     /* what help calls the value; NULL for flags */
    const char *help;      /* one sentence, no full stop; the default is added by itself */
    double min, max;       /* INT, REAL: both 0 means any */
    const char *choices;   /* CHOICE: words with single spaces between */
    const char *bare;      /* the value when given without one; NULL: a value must be given */
    const char *unset;     /* what help says about the default when the field's value does not tell */
    bool negatable;        /* FLAG */
    const char *needs;     /* name of the option without which this one means nothing, or NAME=CHOICE; NULL: none */
} ting_option;

/* Where a parse stopped: usage is a sentence to print, the others are asked for by the user. */
typedef enum ting_parse { TING_PARSE_OK, TING_PARSE_USAGE, TING_PARSE_HELP, TING_PARSE_MEMORY } ting_parse;

enum { TING_MOST_OPTIONS = 64 }; /* of a table */

typedef struct ting_parsed {
    const char **inputs; /* owned array; what is not an option, in order */
    int input_count;
    bool quiet;         /* -q or --quiet was among them */
    char sentence[512]; /* with USAGE: what is wrong */
    const ting_option *table;
    bool given[TING_MOST_OPTIONS]; /* rows of the table */
} ting_parsed;

/* Parses argv[0 .. argc - 1] (no program name) into `fields`, which holds the defaults. --help,
 * -h, --quiet and -q are known without a row. Free with ting_options_free, whatever came out. */
ting_parse ting_options_parse(const ting_option *table, int argc, const char *const *argv, void *fields,
                              ting_parsed *parsed);
void ting_options_free(const ting_option *table, void *fields, ting_parsed *parsed);

/* The word of `words` (single spaces between) at index; writes it to out, false when there is none. */
bool ting_option_choice(const char *words, int index, char *out, size_t room);

/* The default of an option as help shows it, or "" when there is nothing to say. */
void ting_option_default(const ting_option *option, const void *defaults, char *out, size_t room);

/* Of `count` names the one nearest to `given` by edit distance, if near enough to be a slip; else NULL. */
const char *ting_nearest(const char *given, const char *const *names, int count);

#endif
