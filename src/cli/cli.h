/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what a command is, and what it may call.
 *
 * A command is a constant in src/cli/cmd_<name>.c and a line in commands.def:
 *
 *     const ting_command ting_command_transcribe = {
 *         .name = "transcribe", .summary = "...", .run = run, ...
 *     };
 *
 * Rules: standard output carries only the result; remarks go through ting_cli_say. A command returns a
 * ting_exit. One bad input does not stop the others: say it, go on, return TING_EXIT_FAILED.
 */
#ifndef TING_CLI_CLI_H
#define TING_CLI_CLI_H

#include "base/log.h"
#include "cli/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum ting_exit {
    TING_EXIT_OK = 0,
    TING_EXIT_FAILED = 1,       /* some or all inputs failed */
    TING_EXIT_USAGE = 2,        /* the command line is wrong; nothing was done */
    TING_EXIT_INTERRUPTED = 130 /* Ctrl-C: what was finished is kept */
} ting_exit;

struct ting_progress;

typedef struct ting_cli { /* one run of one command */
    const struct ting_command *command;
    const char *const *inputs; /* what is not an option */
    int input_count;
    bool quiet;                     /* --quiet: no progress, no remarks but errors */
    struct ting_progress *progress; /* the bar now on the terminal, or NULL */
} ting_cli;

typedef struct ting_example {
    const char *line; /* as typed; NULL ends the list */
    const char *what; /* what it does, one line */
} ting_example;

typedef struct ting_command {
    const char *name;    /* "transcribe", or two words: "train p2h" */
    const char *summary; /* one line, no full stop */
    const char *usage;   /* what follows the name: "[OPTION]... FILE..." */
    const char *description;      /* paragraphs with an empty line between */
    const ting_option *options;   /* ends with {0} */
    const ting_example *examples; /* at least one; ends with {0} */
    size_t size;                  /* of the options struct */
    const void *defaults;         /* an options struct, or NULL for all zero */
    int min_inputs, max_inputs;   /* max -1: any number */
    ting_exit (*run)(ting_cli *cli, const void *options);
} ting_command;

/* All commands of commands.def in order, ending with NULL. */
extern const ting_command *const ting_commands[];

/* The command whose name is the beginning of words[0 .. count - 1]; *used gets 1 or 2. NULL: none. */
const ting_command *ting_command_find(int count, const char *const *words, int *used);

/* "tingxie transcribe: sentence" and a newline on standard error, above the progress bar. */
void ting_cli_say(ting_cli *cli, const char *format, ...) TING_PRINTF(2, 3);

/* The same, and returns `status`. */
ting_exit ting_cli_fail(ting_cli *cli, ting_exit status, const char *format, ...) TING_PRINTF(3, 4);

/* Says ting_error_message() and returns TING_EXIT_FAILED (INTERRUPTED when the code is cancelled). */
ting_exit ting_cli_error(ting_cli *cli, ting_err code);

/* The same where an argument that the library refuses was a word of the command line: USAGE for it. */
ting_exit ting_cli_wrong(ting_cli *cli, ting_err code);

/* Remarks, unless quiet or there are none, that of a text's words none is known to a language model. */
void ting_cli_say_unknown(ting_cli *cli, const char *text, size_t words, const char *model);

/* Says a remark of the library unless quiet: functions for ting_model_options.log and ting_log, with the ting_cli as their
 * self. */
void ting_cli_remark(void *self, const char *sentence);
void ting_cli_log(void *self, ting_log_level level, const char *sentence);

/* From now on Ctrl-C only sets a flag, which the command must look at; a second Ctrl-C kills. */
void ting_cli_catch_interrupt(void);
bool ting_cli_interrupted(void);

/* The same as a `stop` of the library's options. */
int ting_cli_stop(void *self);

/* help.c, man.c, completion.c: what is made from the tables. */
void ting_help_program(FILE *out);
void ting_help_group(const char *first); /* the commands whose first word it is */
void ting_help_command(FILE *out, const ting_command *command);
void ting_man_program(FILE *out);
void ting_man_command(FILE *out, const ting_command *command);
void ting_completion_bash(FILE *out);
void ting_completion_zsh(FILE *out);

/* "-f, --format=FORMAT": how help and man pages write an option. */
void ting_option_label(const ting_option *option, char *out, size_t room);

#endif
