/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - see progress.h. */
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 30 };
static const double redraw_seconds = 0.1, line_seconds = 10;

double ting_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void ting_progress_begin(ting_progress *bar, ting_cli *cli, const char *what, double total,
                         const char *unit)
{
    *bar = (ting_progress){.cli = cli, .what = what, .unit = unit, .total = total};
    bar->started = bar->shown = ting_clock();
    bar->terminal = isatty(STDERR_FILENO) == 1;
    cli->progress = bar;
}

static void write_duration(char *out, size_t room, double seconds)
{
    long whole = lround(seconds);
    if (whole >= 3600)
        snprintf(out, room, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(out, room, "%ld:%02ld", whole / 60, whole % 60);
}

/* "transcribe 12 of 40 files, 3.1/s, 0:09 left" */
static void describe(const ting_progress *bar, double done, double elapsed, char *out, size_t room)
{
    double rate = elapsed > 0 ? (done - bar->first) / elapsed : 0;
    int digits = rate >= 100 ? 0 : rate >= 1 ? 1 : 3;
    int used = bar->total > 0
                   ? snprintf(out, room, "%.0f of %.0f %s, %.*f/s", done, bar->total, bar->unit, digits, rate)
                   : snprintf(out, room, "%.0f %s, %.*f/s", done, bar->unit, digits, rate);
    if (bar->total > 0 && rate > 0 && used > 0 && (size_t)used < room) {
        char left[32];
        write_duration(left, sizeof left, fmax(0, bar->total - done) / rate);
        snprintf(out + used, room - (size_t)used, ", %s left", left);
    }
}

void ting_progress_update(ting_progress *bar, double done, const char *note)
{
    double now = ting_clock();
    if (bar->cli->quiet || now - bar->shown < (bar->terminal ? redraw_seconds : line_seconds))
        return;
    bar->shown = now;
    char text[160];
    describe(bar, done, now - bar->started, text, sizeof text);
    const char *comma = note != NULL ? ", " : "";
    note = note != NULL ? note : "";
    if (!bar->terminal) {
        fprintf(stderr, "%s: %s%s%s\n", bar->what, text, comma, note);
        return;
    }
    char cells[BAR_WIDTH + 3] = "";
    if (bar->total > 0) {
        int full = (int)(fmin(1, done / bar->total) * BAR_WIDTH);
        cells[0] = '[';
        memset(cells + 1, '#', (size_t)full);
        memset(cells + 1 + full, '.', (size_t)(BAR_WIDTH - full));
        cells[BAR_WIDTH + 1] = ']';
    }
    fprintf(stderr, "\r%s %s %s%s%s\033[K", bar->what, cells, text, comma, note);
    fflush(stderr);
    bar->drawn = true;
}

void ting_progress_wipe(ting_progress *bar)
{
    if (bar->drawn)
        fputs("\r\033[K", stderr);
    bar->drawn = false;
}

int ting_progress_watch(void *self, double done, double total)
{
    ting_progress *bar = self;
    if (total > 0) {
        bar->total = total;
        ting_progress_update(bar, done, NULL);
    }
    return ting_cli_interrupted();
}

void ting_progress_end(ting_progress *bar)
{
    ting_progress_wipe(bar);
    bar->cli->progress = NULL;
}
