/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_augment.c - how much sound a second of one processor augments: each change alone, then all with their usual
 * shares.
 *
 * A TSV line a case: name, milliseconds for a sentence of 5 s, seconds of sound a second. Times are processor time of
 * the thread. The sentence is noise in bursts; what a change costs does not depend on what is said.
 */
#define _GNU_SOURCE /* CLOCK_THREAD_CPUTIME_ID */
#include "data/augment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { COUNT = 5 * TING_SOUND_RATE, FRAMES = 500, BINS = 80, TIMES = 100 };

static float sentence[COUNT], features[FRAMES * BINS];

static const struct {
    const char *name, *recipe;
} cases[] = {
    {"speed", "speed: [0.9, 1.1]"},
    {"tempo", "tempo: {share: 1}"},
    {"pitch", "pitch: {share: 1}"},
    {"formant", "formant: {share: 1}"},
    {"room", "rooms: {share: 1}"},
    {"noise", "noise: [{share: 1}]"},
    {"equaliser", "equaliser: {share: 1}"},
    {"telephone", "telephone: {share: 1}"},
    {"volume, clipping, rounding", "{volume: {share: 1}, clipping: {share: 1}, round: true}"},
    {"mask", "mask: {share: 1, warp: 0}"},
    {"warp and mask", "mask: {share: 1}"},
    {"usual shares", "{speed: [0.9, 1.0, 1.1], tempo: {}, pitch: {}, formant: {}, pad: {}, rooms: {}, noise: [{}, {share: 0.2}], "
                     "equaliser: {}, band: {}, telephone: {}, volume: {}, clipping: {}, round: true, mask: {}}"},
    {"everything", "{speed: [0.9, 1.1], tempo: {share: 1}, pitch: {share: 1}, formant: {share: 1}, pad: {share: 1}, "
                   "rooms: {share: 1}, noise: [{share: 1}, {share: 1}], equaliser: {share: 1}, band: {share: 1}, "
                   "telephone: {share: 1}, volume: {share: 1}, clipping: {share: 1}, round: true, mask: {share: 1}}"},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ting_err run_case(const ting_augment *augment, double *seconds)
{
    ting_err err = TING_OK;
    ting_sound sound = {0};
    *seconds = 0;
    for (int i = 0; i <= TIMES; i++) { /* the first is to warm up */
        ting_rng rng = ting_rng_new((uint64_t)i, 1);
        TRY(ting_sound_set(&sound, sentence, COUNT));
        const double start = now();
        TRY(ting_augment_voice(augment, &rng, &sound));
        TRY(ting_augment_channel(augment, &rng, &sound));
        TRY(ting_augment_features(augment, &rng, TING_TIMING_FREE, features, FRAMES, BINS));
        if (i > 0)
            *seconds += (now() - start) / TIMES;
    }
out:
    ting_sound_free(&sound);
    return err;
}

static ting_err measure(const char *name, const char *recipe)
{
    ting_err err = TING_OK;
    ting_yaml_doc doc = {0};
    ting_augment_plan plan;
    ting_augment *augment = NULL;
    double seconds;
    TRY(ting_yaml_parse(name, recipe, strlen(recipe), &doc));
    TRY(ting_augment_plan_read(doc.root, &plan));
    TRY(ting_augment_new(&plan, NULL, &augment));
    TRY(run_case(augment, &seconds));
    printf("augment %s\t%.2f ms\t%.0f x\n", name, 1e3 * seconds, 5 / seconds);
out:
    ting_augment_free(augment);
    ting_yaml_free(&doc);
    return err;
}

int main(void)
{
    ting_rng rng = ting_rng_new(1, 2);
    for (int i = 0; i < COUNT; i++)
        sentence[i] = i / 4000 % 3 == 0 ? 0 : (float)(0.1 * ting_rng_normal(&rng));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (measure(cases[i].name, cases[i].recipe) != TING_OK) {
            fprintf(stderr, "%s\n", ting_error_message());
            return 1;
        }
    return 0;
}
