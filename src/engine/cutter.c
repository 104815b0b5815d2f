/* SPDX-License-Identifier: Apache-2.0 */
/* cutter.c - see cutter.h. */
#include "engine/cutter.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static const double least_level = -70;        /* dB: what lies below is silence of no interest */
static const double drift = 1.5;              /* dB a second by which background rises and loudest falls */
static const double least_gap = 3, most_gap = 15; /* dB between background and threshold */

void ting_cutter_start(ting_cutter *c, const ting_cutter_options *options)
{
    double *levels = c->levels;
    const size_t room = c->room;
    *c = (ting_cutter){.options = *options, .levels = levels, .room = room};
}

void ting_cutter_free(ting_cutter *c)
{
    ting_free(c->levels);
    *c = (ting_cutter){0};
}

ting_err ting_cutter_add(ting_cutter *c, double mean_square)
{
    ting_err err = TING_OK;
    TRY(ting_reserve(&c->levels, (size_t)c->count, 1, &c->room, sizeof *c->levels));
    c->levels[c->count++] = fmax(10 * log10(mean_square + 1e-12), least_level);
out:
    return err;
}

static bool is_quiet(ting_cutter *c, double level)
{
    const double step = drift * c->options.seconds;
    c->background = c->begun ? fmin(level, c->background + step) : level;
    c->loudest = c->begun ? fmax(level, c->loudest - step) : level;
    c->begun = true;
    return level < c->background + fmin(fmax((c->loudest - c->background) / 3, least_gap), most_gap);
}

/* The quietest place of the last third: between two units whose louder one is as quiet as can be. */
static int quietest(const ting_cutter *c)
{
    int best = c->scanned;
    double least = INFINITY;
    for (int i = c->options.longest * 2 / 3 + 1; i < c->scanned; i++) {
        const double level = fmax(c->levels[i - 1], c->levels[i]);
        if (level <= least) {
            least = level;
            best = i;
        }
    }
    return best;
}

/* Looks at one more unit: does the segment end? */
static void look(ting_cutter *c)
{
    const ting_cutter_options *o = &c->options;
    const bool quiet = is_quiet(c, c->levels[c->scanned++]);
    c->quiet = quiet ? c->quiet + 1 : 0;
    c->loud = c->loud || !quiet;
    c->pause = c->loud && c->quiet >= o->pause;
    if (c->pause || (c->scanned >= o->longest * 2 / 3 && c->quiet >= o->short_pause))
        c->cut = c->scanned - (c->quiet / 2 < o->context ? c->quiet / 2 : o->context);
    else if (c->scanned >= o->longest)
        c->cut = quietest(c);
}

bool ting_cutter_next(ting_cutter *c, int *length, bool *pause)
{
    while (c->cut == 0 && c->scanned < c->count)
        look(c);
    if (c->cut == 0 || c->count < c->cut + c->options.context)
        return false;
    *length = c->cut;
    *pause = c->pause;
    c->count -= c->cut;
    memmove(c->levels, c->levels + c->cut, (size_t)c->count * sizeof *c->levels);
    c->scanned -= c->cut;
    c->quiet = c->quiet < c->scanned ? c->quiet : c->scanned;
    c->loud = c->quiet < c->scanned || (c->loud && !c->pause); /* what was said still waits for its pause */
    c->cut = 0;
    c->pause = false;
    return true;
}
