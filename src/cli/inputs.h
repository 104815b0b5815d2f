/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inputs.h - what a command line names, as one list of sound files: FILE, DIR (all sound files below it, sorted),
 * @LIST (one path a line; @- reads the list from standard input), and - (the sound itself on standard input).
 */
#ifndef TING_CLI_INPUTS_H
#define TING_CLI_INPUTS_H

#include "cli/cli.h"

typedef struct ting_input_file {
    char *path;      /* owned; as given, or the folder as given and the rest behind it; "-" */
    char *below;     /* owned; the part of path below the DIR that was given; else the name without folders */
} ting_input_file;

typedef struct ting_inputs {
    ting_input_file *items;
    int count, room;
    int failed;  /* folders and lists that could not be read: already said */
    bool single; /* one FILE or "-" and nothing else was given */
} ting_inputs;

/* Expands the command's inputs. In folders, files are taken by the endings of sound formats (any_ending: all
 * files); links to folders are not followed. A folder or list that cannot be read is said, counted and left
 * out. Files named directly are taken as they are: whether they can be read is seen later. Errors: memory, cancelled.
 * Free with ting_inputs_free. */
ting_err ting_inputs_expand(ting_cli *cli, bool any_ending, ting_inputs *out);
void ting_inputs_free(ting_inputs *inputs);

#endif
