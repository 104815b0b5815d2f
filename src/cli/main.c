/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the program: finds the command, parses its options by table, runs it, and answers for the
 * exit status (cli.h). A result that could not be written (full disk) is a failure too.
 */
#include "base/cpu.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TING_COMMAND(x) extern const ting_command ting_command_##x;
#include "cli/commands.def"
#undef TING_COMMAND

const ting_command *const ting_commands[] = {
#define TING_COMMAND(x) &ting_command_##x,
#include "cli/commands.def"
#undef TING_COMMAND
    NULL,
};

/* The one mutable global: a signal handler has no argument. Lock-free, so that any thread may look at it. */
static atomic_bool interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = true;
}

void ting_cli_catch_interrupt(void)
{
    /* without SA_RESTART: a read that waits for a quiet pipe wakes up */
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction hangup; /* a terminal that closes, unless nohup has said that it doesn't matter */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

bool ting_cli_interrupted(void)
{
    return interrupted;
}

int ting_cli_stop(void *self)
{
    (void)self;
    return ting_cli_interrupted();
}

/* One line, and no orders to the terminal from the name of a file. */
static void put_clean(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x20 && *c != 0x7F)
            fputc(*c, stderr);
        else if (*c == '\n' || *c == '\t')
            fputs(*c == '\n' ? "\\n" : "\\t", stderr);
        else
            fprintf(stderr, "\\x%02X", (unsigned)(unsigned char)*c);
    }
}

TING_PRINTF(2, 0) static void say(ting_cli *cli, const char *format, va_list args)
{
    if (cli->progress != NULL)
        ting_progress_wipe(cli->progress);
    fflush(stdout); /* on a terminal, results and remarks keep their order */
    char text[8192];
    vsnprintf(text, sizeof text, format, args);
    fprintf(stderr, "tingxie %s: ", cli->command->name);
    put_clean(text);
    fputc('\n', stderr);
}

void ting_cli_say(ting_cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(cli, format, args);
    va_end(args);
}

ting_exit ting_cli_fail(ting_cli *cli, ting_exit status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(cli, format, args);
    va_end(args);
    return status;
}

ting_exit ting_cli_error(ting_cli *cli, ting_err code)
{
    if (code == TING_ERR_CANCELLED)
        return ting_cli_fail(cli, TING_EXIT_INTERRUPTED, "interrupted");
    return ting_cli_fail(cli, TING_EXIT_FAILED, "%s", ting_error_message());
}

ting_exit ting_cli_wrong(ting_cli *cli, ting_err code)
{
    return code == TING_ERR_ARGUMENT ? ting_cli_fail(cli, TING_EXIT_USAGE, "%s", ting_error_message())
                                     : ting_cli_error(cli, code);
}

void ting_cli_say_unknown(ting_cli *cli, const char *text, size_t words, const char *model)
{
    if (words > 0 && !cli->quiet)
        ting_cli_say(cli, "%s: none of its %zu words is known to %s: is that over other words, such as an acoustic model's tokens?", text,
                     words, model);
}

void ting_cli_remark(void *self, const char *sentence)
{
    ting_cli *cli = self;
    if (!cli->quiet)
        ting_cli_say(cli, "%s", sentence);
}

void ting_cli_log(void *self, ting_log_level level, const char *sentence)
{
    (void)level;
    ting_cli_remark(self, sentence);
}

const ting_command *ting_command_find(int count, const char *const *words, int *used)
{
    for (int i = 0; ting_commands[i] != NULL; i++) {
        const char *name = ting_commands[i]->name, *space = strchr(name, ' ');
        size_t first = space != NULL ? (size_t)(space - name) : strlen(name);
        if (count < 1 || strlen(words[0]) != first || strncmp(words[0], name, first) != 0)
            continue;
        *used = space != NULL ? 2 : 1;
        if (space == NULL || (count > 1 && strcmp(words[1], space + 1) == 0))
            return ting_commands[i];
    }
    return NULL;
}

static ting_exit check_inputs(ting_cli *cli)
{
    const ting_command *command = cli->command;
    if (cli->input_count >= command->min_inputs &&
        (command->max_inputs < 0 || cli->input_count <= command->max_inputs))
        return TING_EXIT_OK;
    if (cli->input_count < command->min_inputs)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "something is missing: tingxie %s %s", command->name,
                             command->usage);
    return ting_cli_fail(cli, TING_EXIT_USAGE, "'%s' is one too many: tingxie %s %s",
                         cli->inputs[command->max_inputs], command->name, command->usage);
}

static ting_exit run_command(const ting_command *command, int argc, const char *const *argv)
{
    ting_cli cli = {.command = command};
    ting_parsed parsed = {0};
    ting_exit status = TING_EXIT_OK;
    void *fields = ting_alloc(1, command->size);
    if (fields == NULL)
        return ting_cli_error(&cli, TING_ERR_MEMORY);
    if (command->defaults != NULL)
        memcpy(fields, command->defaults, command->size);
    switch (ting_options_parse(command->options, argc, argv, fields, &parsed)) {
    case TING_PARSE_OK:
        cli.inputs = parsed.inputs;
        cli.input_count = parsed.input_count;
        cli.quiet = parsed.quiet;
        status = check_inputs(&cli);
        if (status == TING_EXIT_OK)
            status = command->run(&cli, fields);
        break;
    case TING_PARSE_HELP: ting_help_command(stdout, command); break;
    case TING_PARSE_MEMORY: status = ting_cli_error(&cli, TING_ERR_MEMORY); break;
    case TING_PARSE_USAGE:
        status = ting_cli_fail(&cli, TING_EXIT_USAGE, "%s ('tingxie %s --help' lists what there is)",
                               parsed.sentence, command->name);
    }
    ting_options_free(command->options, fields, &parsed);
    ting_free(fields);
    return status;
}

static ting_exit unknown_command(const char *word)
{
    const char *names[128];
    int count = 0;
    while (ting_commands[count] != NULL && count < 128) {
        names[count] = ting_commands[count]->name;
        count++;
    }
    const char *nearest = ting_nearest(word, names, count);
    fprintf(stderr, "tingxie: there is no %s '%s'%s%s%s ('tingxie --help' lists what there is)\n",
            word[0] == '-' ? "option" : "command", word, nearest ? "; did you mean " : "",
            nearest ? nearest : "", nearest ? "?" : "");
    return TING_EXIT_USAGE;
}

/* tingxie --generate man|bash|zsh|commands [COMMAND]: what make install puts in place. */
static ting_exit generate(int argc, const char *const *argv)
{
    const char *kind = argc > 0 ? argv[0] : "";
    int used = 0;
    const ting_command *command = argc > 1 ? ting_command_find(argc - 1, argv + 1, &used) : NULL;
    if (strcmp(kind, "bash") == 0) {
        ting_completion_bash(stdout);
    } else if (strcmp(kind, "zsh") == 0) {
        ting_completion_zsh(stdout);
    } else if (strcmp(kind, "commands") == 0) {
        for (int i = 0; ting_commands[i] != NULL; i++)
            puts(ting_commands[i]->name);
    } else if (strcmp(kind, "man") == 0 && command != NULL) {
        ting_man_command(stdout, command);
    } else if (strcmp(kind, "man") == 0 && argc == 1) {
        ting_man_program(stdout);
    } else {
        fprintf(stderr, "tingxie: --generate makes man [COMMAND], bash, zsh or commands\n");
        return TING_EXIT_USAGE;
    }
    return TING_EXIT_OK;
}

static void print_version(void)
{
    char text[1024];
    ting_build_describe(text, sizeof text);
    fputs(text, stdout);
}

static ting_exit dispatch(int argc, const char *const *argv)
{
    if (argc < 2) {
        ting_help_program(stderr);
        return TING_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        ting_help_program(stdout);
        return TING_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        print_version();
        return TING_EXIT_OK;
    }
    if (strcmp(argv[1], "--generate") == 0)
        return generate(argc - 2, argv + 2);
    int used = 0;
    const ting_command *command = ting_command_find(argc - 1, argv + 1, &used);
    if (command != NULL)
        return run_command(command, argc - 1 - used, argv + 1 + used);
    if (used == 2) { /* the first word of a two-word command stood alone, or before a wrong word */
        if (argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
            ting_help_group(argv[1]);
            return TING_EXIT_OK;
        }
        fprintf(stderr, "tingxie %s: which one? 'tingxie %s --help' lists them\n", argv[1], argv[1]);
        return TING_EXIT_USAGE;
    }
    return unknown_command(argv[1]);
}

/* A mistyped level would make a measurement of something else. */
static void check_environment(void)
{
    if (ting_cpu_unknown() == NULL)
        return;
    fputs("tingxie: TING_CPU is '", stderr);
    put_clean(ting_cpu_unknown());
    fprintf(stderr, "', which is no processor level and is ignored; it takes one of: %s\n", ting_cpu_names());
}

int main(int argc, char **argv)
{
    check_environment();
    ting_exit status = dispatch(argc, (const char *const *)argv);
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "tingxie: standard output could not be written: %s\n",
                errno != 0 ? strerror(errno) : "an earlier write failed");
        status = status == TING_EXIT_OK ? TING_EXIT_FAILED : status;
    }
    return (int)status;
}
