/* SPDX-License-Identifier: Apache-2.0 */
/* splice.c - see splice.h. */
#include "data/splice.h"

#include "base/mem.h"
#include "data/stretch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = TING_SOUND_RATE / 100, MARGIN = TING_SOUND_RATE / 50 };

ting_err ting_splice_plan_read(ting_yaml *map, ting_splice_plan *p)
{
    ting_err err = TING_OK;
    *p = (ting_splice_plan){.syllable = {0.18, 0.3},
                            .jitter = 0.15,
                            .faster = 1.6,
                            .pause_share = 0.1,
                            .pause = {0.05, 0.4},
                            .overlap = {0, 0.04},
                            .level = 1.5,
                            .edge = 0};
    if (map == NULL)
        return TING_OK;
    TRY(ting_range_read(map, "syllable", 0.05, 1, &p->syllable));
    TRY(ting_yaml_real(map, "jitter", 0, 0.5, &p->jitter));
    TRY(ting_yaml_real(map, "faster", 1, 3, &p->faster));
    TRY(ting_yaml_real(map, "pause_share", 0, 1, &p->pause_share));
    TRY(ting_range_read(map, "pause", 0, 3, &p->pause));
    TRY(ting_range_read(map, "overlap", 0, 0.2, &p->overlap));
    TRY(ting_yaml_real(map, "level", 0, 20, &p->level));
    TRY(ting_yaml_real(map, "edge", 0, 3, &p->edge));
    TRY(ting_yaml_done(map));
out:
    return err;
}

/* ---- the silence at the ends of a clip ---- */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double find_limit(double *powers, size_t frames, double active)
{
    qsort(powers, frames, sizeof *powers, by_size);
    return fmax(1e-4 * active, fmin(1e-2 * active, 4 * powers[frames / 10]));
}

ting_err ting_splice_trim(const float *samples, size_t count, size_t *first, size_t *end)
{
    const size_t frames = count / FRAME;
    *first = 0;
    *end = count;
    if (frames < 2)
        return TING_OK;
    double *powers = ting_alloc(2 * frames, sizeof *powers);
    if (powers == NULL)
        return TING_ERR_MEMORY;
    double *sorted = powers + frames;
    for (size_t f = 0; f < frames; f++)
        powers[f] = ting_sound_power(samples + f * FRAME, FRAME);
    memcpy(sorted, powers, frames * sizeof *powers);
    const double limit = find_limit(sorted, frames, ting_sound_active_power(samples, count));
    size_t from = 0, to = frames; /* two loud frames in a row: a click is not enough */
    while (from + 1 < frames && !(powers[from] > limit && powers[from + 1] > limit))
        from++;
    while (to > from + 1 && !(powers[to - 1] > limit && powers[to - 2] > limit))
        to--;
    if (from + 1 < frames) {
        *first = from * FRAME > MARGIN ? from * FRAME - MARGIN : 0;
        *end = to * FRAME + MARGIN < count ? to * FRAME + MARGIN : count;
    }
    ting_free(powers);
    return TING_OK;
}

/* ---- joining ---- */

static double active_power(const ting_splice_piece *piece)
{
    return ting_sound_active_power(piece->samples, piece->count);
}

/* The loudness that all pieces get: the mean of theirs in decibels, of those that are not silent. */
static double common_power(const ting_splice_piece *pieces, int count)
{
    double sum = 0;
    int heard = 0;
    for (int i = 0; i < count; i++) {
        const double power = active_power(&pieces[i]);
        if (power > 0) {
            sum += log(power);
            heard++;
        }
    }
    return heard > 0 ? exp(sum / heard) : 0;
}

/* The piece as it will be heard, in out->piece. `length`: seconds of a syllable in this sentence. */
static ting_err prepare(const ting_splice_plan *plan, ting_rng *rng, const ting_splice_piece *piece, double length,
                        double loudness, ting_spliced *out)
{
    ting_err err = TING_OK;
    static const ting_range around = {-1, 1};
    size_t first, end;
    const double jitter = plan->jitter * ting_draw(rng, around);
    const double gain = pow(10, plan->level * ting_draw(rng, around) / 20);
    TRY(ting_splice_trim(piece->samples, piece->count, &first, &end));
    TRY(ting_sound_set(&out->piece, piece->samples + first, end - first));
    if (end == first)
        return TING_OK;
    const double wanted = length * piece->labels * (1 + jitter) * TING_SOUND_RATE / (double)(end - first);
    const double factor = fmax(1 / plan->faster, fmin(1, wanted));
    if (factor < 1)
        TRY(ting_sound_stretch(&out->piece, factor));
    const double power = active_power(piece);
    if (power > 0)
        ting_sound_scale(out->piece.samples, out->piece.count, gain * sqrt(loudness / power));
out:
    return err;
}

/* Puts out->piece behind the sound, the first `overlap` samples over the last ones; both fade along half a cosine, in
 * sum 1. */
static ting_err append(ting_spliced *out, size_t overlap)
{
    ting_sound *sound = &out->sound, *piece = &out->piece;
    const size_t at = sound->count - overlap;
    ting_err err = ting_sound_insert(sound, sound->count, piece->count - overlap);
    if (err != TING_OK)
        return err;
    for (size_t i = 0; i < overlap; i++) {
        const float in = (float)(0.5 - 0.5 * cos(3.14159265358979323846 * ((double)i + 0.5) / (double)overlap));
        sound->samples[at + i] = (1 - in) * sound->samples[at + i] + in * piece->samples[i];
    }
    memcpy(sound->samples + at + overlap, piece->samples + overlap, (piece->count - overlap) * sizeof *piece->samples);
    return TING_OK;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* A fade of at most 10 ms from or to silence: a cut inside a clip's background would click. */
static void fade_in(ting_sound *sound)
{
    const size_t length = sound->count / 2 < FRAME ? sound->count / 2 : FRAME;
    for (size_t i = 0; i < length; i++)
        sound->samples[i] *= ((float)i + 0.5F) / (float)length;
}

static void fade_out(ting_sound *sound)
{
    const size_t length = sound->count / 2 < FRAME ? sound->count / 2 : FRAME;
    for (size_t i = 0; i < length; i++)
        sound->samples[sound->count - 1 - i] *= ((float)i + 0.5F) / (float)length;
}

static ting_err add_piece(const ting_splice_plan *plan, ting_rng *rng, const ting_splice_piece *piece,
                          ting_spliced *out)
{
    ting_err err = TING_OK;
    const bool rests = ting_chance(rng, plan->pause_share) && out->pieces > 0;
    const size_t pause = (size_t)(ting_draw(rng, plan->pause) * TING_SOUND_RATE);
    const size_t overlap = (size_t)(ting_draw(rng, plan->overlap) * TING_SOUND_RATE);
    size_t shared = 0;
    if (rests) {
        fade_out(&out->sound);
        TRY(ting_sound_insert(&out->sound, out->sound.count, pause));
        ting_sound_hiss(rng, out->sound.samples + out->sound.count - pause, pause);
    }
    if (rests || out->pieces == 0)
        fade_in(&out->piece);
    else
        shared = smallest(overlap, out->piece.count / 2, (out->sound.count - out->starts[out->pieces - 1]) / 2);
    TRY(ting_reserve(&out->starts, out->pieces, 1, &out->piece_room, sizeof *out->starts));
    TRY(ting_reserve(&out->label, out->labels, (size_t)piece->labels, &out->label_room, sizeof *out->label));
    out->starts[out->pieces++] = out->sound.count - shared;
    for (int i = 0; i < piece->labels; i++)
        out->label[out->labels++] = piece->label[i];
    TRY(append(out, shared));
out:
    return err;
}

static ting_err add_edge(size_t at, size_t length, ting_rng *rng, ting_sound *sound)
{
    const ting_err err = ting_sound_insert(sound, at, length);
    if (err == TING_OK)
        ting_sound_hiss(rng, sound->samples + at, length);
    return err;
}

static ting_err add_edges(double seconds, ting_rng *rng, ting_spliced *out)
{
    ting_err err = TING_OK;
    const size_t length = (size_t)(seconds * TING_SOUND_RATE);
    TRY(add_edge(0, length, rng, &out->sound));
    TRY(add_edge(out->sound.count, length, rng, &out->sound));
    for (size_t i = 0; i < out->pieces; i++)
        out->starts[i] += length;
out:
    return err;
}

ting_err ting_splice(const ting_splice_plan *plan, ting_rng *rng, const ting_splice_piece *pieces, int count,
                     ting_spliced *out)
{
    ting_err err = TING_OK;
    const double length = ting_draw(rng, plan->syllable), loudness = common_power(pieces, count);
    out->sound.count = out->labels = out->pieces = 0;
    for (int i = 0; i < count; i++) {
        TRY(prepare(plan, rng, &pieces[i], length, loudness, out));
        TRY(add_piece(plan, rng, &pieces[i], out));
    }
    fade_out(&out->sound);
    TRY(add_edges(plan->edge, rng, out));
    const double peak = (double)ting_sound_peak(out->sound.samples, out->sound.count);
    if (peak > 1)
        ting_sound_scale(out->sound.samples, out->sound.count, 1 / peak);
out:
    return err;
}

void ting_spliced_free(ting_spliced *spliced)
{
    ting_sound_free(&spliced->sound);
    ting_sound_free(&spliced->piece);
    ting_free(spliced->label);
    ting_free(spliced->starts);
    *spliced = (ting_spliced){0};
}
