/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - see program.h. Output goes through temporary files, so that no pipe can fill up and block. */
#include "support/program.h"

#include "support/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { MAX_WORDS = 64, MAX_VARIABLES = 512, MOST_WAIT = 60000 /* milliseconds for what takes one on an idle machine */ };

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

static pid_t start(const char *const *arguments, const char *const *variables, int in, FILE *out, FILE *err)
{
    char *words[MAX_WORDS] = {(char *)(uintptr_t)ting_program_path()}, *env[MAX_VARIABLES];
    for (int i = 0; arguments[i] != NULL; i++) {
        assert_true(i < MAX_WORDS - 2);
        words[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    make_environment(variables, env);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, fileno(out), 1);
    posix_spawn_file_actions_adddup2(&actions, fileno(err), 2);
    pid_t child;
    int failed = posix_spawn(&child, words[0], &actions, NULL, words, env);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        fail_msg("%s cannot be started: %s", words[0], strerror(failed));
    return child;
}

static ting_program_run finish(int status, FILE *out, FILE *err)
{
    ting_program_run run = {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
    run.out = read_all(out, &run.out_size);
    run.err = read_all(err, &run.err_size);
    fclose(out), fclose(err);
    return run;
}

ting_program_run ting_run_expecting(const char *const *arguments, const char *input, int status, const char *said)
{
    ting_program_run run = ting_run_program(arguments, input);
    if (run.status != status || strstr(run.err, said) == NULL)
        fail_msg("%s %s: status %d, \"%s\", \"%s\"", arguments[0], arguments[1], run.status, run.out, run.err);
    return run;
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
    pid_t child = start(arguments, variables, fileno(in), out, err);
    int status;
    waitpid(child, &status, 0);
    fclose(in);
    return finish(status, out, err);
}

static void wait_milliseconds(long count)
{
    nanosleep(&(struct timespec){count / 1000, count % 1000 * 1000000}, NULL);
}

/* Whether no thread of the process runs or waits for a disk: Linux says S behind the name of each. */
static bool is_asleep(pid_t process)
{
    char path[300], text[512];
    bool asleep = true;
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/stat", (int)process, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file == NULL)
            continue;
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        const char *name = strrchr(text, ')');
        asleep = asleep && name != NULL && name[1] == ' ' && name[2] == 'S';
    }
    closedir(tasks);
    return asleep;
}

/* Until it has ended, or has read all and waits for more; at most `most` milliseconds. */
static void wait_until_quiet(pid_t process, int input, int most)
{
    for (int quiet = 0; most > 0 && quiet < 5; most -= 10) {
        int left = 0;
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)process, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == process)
            break;
        quiet = ioctl(input, FIONREAD, &left) == 0 && left == 0 && is_asleep(process) ? quiet + 1 : 0;
        wait_milliseconds(10);
    }
}

ting_program_run ting_run_program_interrupted(const char *const *arguments, const void *input, size_t size,
                                              const char *const *variables, int signal_number)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int ends[2], status = 0;
    assert_true(out != NULL && err != NULL && pipe(ends) == 0);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid_t child = start(arguments, variables, ends[0], out, err);
    for (size_t done = 0; done < size;) {
        ssize_t written = write(ends[1], (const char *)input + done, size - done);
        assert_true(written > 0);
        done += (size_t)written;
    }
    wait_until_quiet(child, ends[0], MOST_WAIT);
    kill(child, signal_number);
    int ended = 0;
    for (int i = 0; i < MOST_WAIT / 10 && ended == 0; i++) {
        ended = (int)waitpid(child, &status, WNOHANG);
        wait_milliseconds(10);
    }
    if (ended == 0) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    close(ends[0]), close(ends[1]);
    return finish(status, out, err);
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
