/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - see program.h. Output goes through temporary files, so that no pipe can fill up and block. */
#include "support/program.h"

#include "support/support.h"

#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

enum { MAX_WORDS = 64, MAX_VARIABLES = 512 };

const char *ting_program_path(void)
{
    static char path[512];
    const char *build = getenv("BUILD");
    snprintf(path, sizeof path, "%s/tingxie", build != NULL ? build : "build");
    return path;
}

static char *read_all(FILE *file, size_t *size)
{
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *size, file), *size);
    text[*size] = '\0';
    return text;
}

/* The parent's environment with the given variables in front, which win. */
static void make_environment(const char *const *variables, char **out)
{
    int count = 0;
    for (; variables != NULL && variables[count] != NULL; count++)
        out[count] = (char *)(uintptr_t)variables[count];
    int own = count;
    for (char **v = environ; *v != NULL && count < MAX_VARIABLES - 1; v++) {
        size_t name = strcspn(*v, "=") + 1;
        bool replaced = false;
        for (int i = 0; i < own; i++)
            replaced |= strncmp(out[i], *v, name) == 0;
        if (!replaced)
            out[count++] = *v;
    }
    out[count] = NULL;
}

ting_program_run ting_run_program_with(const char *const *arguments, const void *input, size_t size,
                                       const char *const *variables)
{
    FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
    assert_true(in != NULL && out != NULL && err != NULL);
    if (size > 0)
        assert_int_equal(fwrite(input, 1, size, in), size);
    fflush(in);
    rewind(in);
    char *words[MAX_WORDS] = {(char *)(uintptr_t)ting_program_path()}, *env[MAX_VARIABLES];
    for (int i = 0; arguments[i] != NULL; i++) {
        assert_true(i < MAX_WORDS - 2);
        words[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    make_environment(variables, env);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(in), 0);
    posix_spawn_file_actions_adddup2(&actions, fileno(out), 1);
    posix_spawn_file_actions_adddup2(&actions, fileno(err), 2);
    pid_t child;
    int failed = posix_spawn(&child, words[0], &actions, NULL, words, env);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        fail_msg("%s cannot be started: %s", words[0], strerror(failed));
    int status;
    waitpid(child, &status, 0);
    ting_program_run run = {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
    run.out = read_all(out, &run.out_size);
    run.err = read_all(err, &run.err_size);
    fclose(in), fclose(out), fclose(err);
    return run;
}

ting_program_run ting_run_program(const char *const *arguments, const char *input)
{
    return ting_run_program_with(arguments, input, input != NULL ? strlen(input) : 0, NULL);
}

void ting_program_free(ting_program_run *run)
{
    free(run->out);
    free(run->err);
    *run = (ting_program_run){0};
}

void ting_assert_usage(const char *part, const char *const *arguments)
{
    ting_program_run run = ting_run_program(arguments, NULL);
    const char *newline = strchr(run.err, '\n');
    if (run.status != 2 || run.out_size != 0 || strstr(run.err, part) == NULL || newline == NULL || newline[1] != '\0')
        fail_msg("status %d, output \"%s\", expected one line with \"%s\", got \"%s\"", run.status, run.out, part,
                 run.err);
    ting_program_free(&run);
}
