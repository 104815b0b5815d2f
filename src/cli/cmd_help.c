/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_help.c - tingxie help [COMMAND]: the same texts as --help. */
#include "cli/cli.h"

#include <stdio.h>

struct options {
    char unused; /* the command has no option of its own */
};

static ting_exit run(ting_cli *cli, const void *options)
{
    (void)options;
    if (cli->input_count == 0) {
        ting_help_program(stdout);
        return TING_EXIT_OK;
    }
    int used = 0;
    const ting_command *command = ting_command_find(cli->input_count, cli->inputs, &used);
    if (command == NULL && used == 2 && cli->input_count == 1) {
        ting_help_group(cli->inputs[0]);
        return TING_EXIT_OK;
    }
    if (command == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "there is no command '%s' ('tingxie --help' lists them)",
                             cli->inputs[0]);
    ting_help_command(stdout, command);
    return TING_EXIT_OK;
}

static const ting_option table[] = {{0}};

static const ting_example examples[] = {
    {"tingxie help", "lists the commands"},
    {"tingxie help transcribe", "options and examples of one command"},
    {0},
};

const ting_command ting_command_help = {
    .name = "help",
    .summary = "shows what the program and its commands can do",
    .usage = "[COMMAND]",
    .description = "Prints the list of commands, or what one command does, its options and examples.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .max_inputs = 2,
    .run = run,
};
