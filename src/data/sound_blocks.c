/* SPDX-License-Identifier: Apache-2.0 */
/* sound_blocks.c - see sound_blocks.h. */
#include "data/sound_blocks.h"

#include "base/cpu.h"
#include "base/mem.h"

#include <string.h>

enum { BLOCK = 256 };

ting_err ting_sound_blocks_start(ting_sound_blocks *b, const ting_sound_plan *plan, const ting_manifest *manifest)
{
    *b = (ting_sound_blocks){.plan = *plan, .manifest = manifest};
    b->pool = ting_pool_new(plan->threads > 0 ? plan->threads : ting_cpu_count());
    return b->pool != NULL ? TING_OK : TING_ERR_MEMORY;
}

/* At least BLOCK clips if there are so many, and all that follow of the last one's file. */
static ting_err cut_block(ting_sound_blocks *b)
{
    ting_err err = TING_OK;
    size_t clips = ting_manifest_count(b->manifest), runs = 0;
    const char *path = NULL;
    b->first += b->count;
    for (b->count = 0; b->first + b->count < clips; b->count++) {
        const char *next = ting_manifest_at(b->manifest, b->first + b->count)->path;
        bool other = path == NULL || strcmp(path, next) != 0;
        if (other && b->count >= BLOCK)
            break;
        TRY(ting_reserve(&b->runs, runs, 2, &b->run_room, sizeof *b->runs));
        if (other)
            b->runs[runs++] = b->count;
        b->runs[runs] = b->count + 1;
        path = next;
    }
    b->run_count = runs;
    TRY(ting_reserve(&b->sounds, 0, b->count, &b->room, sizeof *b->sounds));
out:
    return err;
}

static bool stopped(void *self)
{
    const ting_sound_blocks *b = self;
    return b->plan.stop != NULL && b->plan.stop(b->plan.self) != 0;
}

static void examine_run(void *arg, int index)
{
    ting_sound_blocks *b = arg;
    size_t from = b->runs[index], to = b->runs[index + 1];
    ting_clip_sound_examine(ting_manifest_at(b->manifest, b->first + from), to - from, b->plan.decode, stopped, b,
                            b->sounds + from);
}

ting_err ting_sound_blocks_next(ting_sound_blocks *b)
{
    ting_err err = TING_OK;
    TRY(cut_block(b));
    ting_pool_run(b->pool, (int)b->run_count, examine_run, b);
    for (size_t i = 0; i < b->count; i++)
        if (b->sounds[i].err == TING_ERR_MEMORY || b->sounds[i].err == TING_ERR_CANCELLED)
            FAIL(b->sounds[i].err, "%s", b->sounds[i].sentence);
    if (stopped(b))
        FAIL(TING_ERR_CANCELLED, "cancelled before clip %zu of %zu", b->first, ting_manifest_count(b->manifest));
out:
    return err;
}

void ting_sound_blocks_free(ting_sound_blocks *b)
{
    ting_pool_free(b->pool);
    ting_free(b->sounds);
    ting_free(b->runs);
    *b = (ting_sound_blocks){0};
}
