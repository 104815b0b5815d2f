/* SPDX-License-Identifier: Apache-2.0 */
/*
 * align.c - see align.h.
 *
 *     D(i, j) = min( D(i-1, j-1) + pair(i, j),  D(i-1, j) + 1,  D(i, j-1) + 1 )
 *
 * A cost is one 64-bit number: errors in the upper half, distance of sounds in the lower, so that sums
 * and comparisons are lexicographic. A piece that is small enough keeps one byte per cell for
 * backtracking; a larger one is cut: rows of D from the front over the first half of the reference and from
 * the back over the second half meet at the best column (the first of several).
 */
#include "text/align.h"

#include "base/mem.h"
#include "text/pinyin.h"

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t cost;

enum { SMALL_CELLS = 2048 * 2048, MOST_UNITS = 1 << 28 };
static const cost one_error = UINT64_C(1) << 32;

typedef struct aligner {
    ting_sequence ref, hyp;
    ting_alignment *out;
    unsigned char *cells; /* [SMALL_CELLS] or fewer */
    cost *front, *back;   /* [hyp.count + 1] */
    uint32_t *ref_sounds, *hyp_sounds; /* packed, see pack_sounds; NULL: unknown */
} aligner;

typedef struct piece { /* ref r0 .. r1 - 1 against hyp h0 .. h1 - 1 */
    int r0, r1, h0, h1;
} piece;

/* Syllables packed so that ting_pinyin_distance is a few bit operations: base << 16 | tone << 12 | initial << 6 |
 * final; no_sound where there is none. */
enum { INITIAL_SHIFT = 6, TONE_SHIFT = 12, BASE_SHIFT = 16 };
static const uint32_t no_sound = UINT32_MAX;

static void pack_sounds(ting_sequence from, uint32_t *to)
{
    for (int i = 0; i < from.count; i++) {
        int id = from.sounds[i];
        to[i] = id == TING_PINYIN_NONE
                    ? no_sound
                    : (uint32_t)ting_pinyin_base(id) << BASE_SHIFT | (uint32_t)ting_pinyin_tone(id) << TONE_SHIFT |
                          (uint32_t)ting_pinyin_initial(id) << INITIAL_SHIFT | (uint32_t)ting_pinyin_final(id);
    }
}

static inline cost sound_distance(uint32_t a, uint32_t b)
{
    uint32_t different = a ^ b;
    if (a == no_sound || b == no_sound)
        return 3;
    if (different >> BASE_SHIFT == 0)
        return different != 0;
    bool near = (different >> INITIAL_SHIFT & 63) == 0 || (different & 63) == 0;
    return near ? 2 : 3;
}

static inline cost pair_cost(const aligner *a, int ref, int hyp)
{
    if (a->ref.units[ref] == a->hyp.units[hyp])
        return 0;
    if (a->ref_sounds == NULL)
        return one_error;
    return one_error + sound_distance(a->ref_sounds[ref], a->hyp_sounds[hyp]);
}

static void add_edit(aligner *a, ting_edit_kind kind, int ref, int hyp)
{
    ting_alignment *out = a->out;
    out->edits[out->count++] = (ting_edit){kind, ref, hyp};
    out->matches += kind == TING_EDIT_MATCH;
    out->substitutions += kind == TING_EDIT_SUBSTITUTE;
    out->deletions += kind == TING_EDIT_DELETE;
    out->insertions += kind == TING_EDIT_INSERT;
}

/* Fills cells [rows, columns] with the last step into each cell. */
static void fill(aligner *a, piece p)
{
    int columns = p.h1 - p.h0 + 1;
    cost *row = a->front;
    for (int j = 0; j < columns; j++) {
        row[j] = one_error * (cost)j;
        a->cells[j] = TING_EDIT_INSERT;
    }
    for (int i = 1; i <= p.r1 - p.r0; i++) {
        unsigned char *cells = a->cells + (size_t)i * (size_t)columns;
        cost diagonal = row[0];
        row[0] += one_error;
        cells[0] = TING_EDIT_DELETE;
        for (int j = 1; j < columns; j++) {
            cost pair = pair_cost(a, p.r0 + i - 1, p.h0 + j - 1);
            cost best = diagonal + pair;
            unsigned char step = pair == 0 ? TING_EDIT_MATCH : TING_EDIT_SUBSTITUTE;
            diagonal = row[j];
            if (row[j] + one_error < best) {
                best = row[j] + one_error;
                step = TING_EDIT_DELETE;
            }
            if (row[j - 1] + one_error < best) {
                best = row[j - 1] + one_error;
                step = TING_EDIT_INSERT;
            }
            row[j] = best;
            cells[j] = step;
        }
    }
}

static void align_small(aligner *a, piece p)
{
    fill(a, p);
    int columns = p.h1 - p.h0 + 1, i = p.r1 - p.r0, j = p.h1 - p.h0, first = a->out->count;
    while (i > 0 || j > 0) {
        ting_edit_kind kind = (ting_edit_kind)a->cells[(size_t)i * (size_t)columns + (size_t)j];
        i -= kind != TING_EDIT_INSERT;
        j -= kind != TING_EDIT_DELETE;
        add_edit(a, kind, kind == TING_EDIT_INSERT ? -1 : p.r0 + i, kind == TING_EDIT_DELETE ? -1 : p.h0 + j);
    }
    for (int low = first, high = a->out->count - 1; low < high; low++, high--) {
        ting_edit swap = a->out->edits[low];
        a->out->edits[low] = a->out->edits[high];
        a->out->edits[high] = swap;
    }
}

/* row[j] = cost of ref r0 .. r1 - 1 against the first j units of hyp h0 .. h1 - 1, or, with step -1, of both
 * read from their ends. */
static void last_row(const aligner *a, piece p, int step, cost *row)
{
    int rows = p.r1 - p.r0, columns = p.h1 - p.h0;
    for (int j = 0; j <= columns; j++)
        row[j] = one_error * (cost)j;
    for (int i = 1; i <= rows; i++) {
        int ref = step > 0 ? p.r0 + i - 1 : p.r1 - i;
        cost diagonal = row[0];
        row[0] += one_error;
        for (int j = 1; j <= columns; j++) {
            int hyp = step > 0 ? p.h0 + j - 1 : p.h1 - j;
            cost best = diagonal + pair_cost(a, ref, hyp);
            diagonal = row[j];
            if (row[j] + one_error < best)
                best = row[j] + one_error;
            if (row[j - 1] + one_error < best)
                best = row[j - 1] + one_error;
            row[j] = best;
        }
    }
}

static int best_cut(const aligner *a, piece p, int middle)
{
    int columns = p.h1 - p.h0, best = 0;
    last_row(a, (piece){p.r0, middle, p.h0, p.h1}, 1, a->front);
    last_row(a, (piece){middle, p.r1, p.h0, p.h1}, -1, a->back);
    for (int j = 1; j <= columns; j++)
        if (a->front[j] + a->back[columns - j] < a->front[best] + a->back[columns - best])
            best = j;
    return p.h0 + best;
}

/* Depth of the recursion: at most the binary logarithm of the reference's length. */
static void align_piece(aligner *a, piece p)
{
    size_t cells = (size_t)(p.r1 - p.r0 + 1) * (size_t)(p.h1 - p.h0 + 1);
    if (cells <= SMALL_CELLS) {
        align_small(a, p);
        return;
    }
    if (p.r1 - p.r0 <= 1) { /* one unit against millions: the cells do not fit, the rule is simple */
        int match = p.h0;
        for (int j = p.h0; j < p.h1 && p.r1 > p.r0; j++)
            if (pair_cost(a, p.r0, j) < pair_cost(a, p.r0, match))
                match = j;
        for (int j = p.h0; j < p.h1; j++)
            if (j == match && p.r1 > p.r0)
                add_edit(a, pair_cost(a, p.r0, j) == 0 ? TING_EDIT_MATCH : TING_EDIT_SUBSTITUTE, p.r0, j);
            else
                add_edit(a, TING_EDIT_INSERT, -1, j);
        return;
    }
    int middle = p.r0 + (p.r1 - p.r0) / 2, cut = best_cut(a, p, middle);
    align_piece(a, (piece){p.r0, middle, p.h0, cut});
    align_piece(a, (piece){middle, p.r1, cut, p.h1});
}

ting_err ting_align(ting_sequence ref, ting_sequence hyp, ting_alignment *out)
{
    ting_err err = TING_OK;
    if (ref.count > MOST_UNITS || hyp.count > MOST_UNITS)
        FAIL(TING_ERR_ARGUMENT, "aligning %d units with %d, at most %d", ref.count, hyp.count, MOST_UNITS);
    size_t cells = (size_t)(ref.count + 1) * (size_t)(hyp.count + 1);
    if (cells > SMALL_CELLS)
        cells = SMALL_CELLS;
    size_t row_bytes = ((size_t)hyp.count + 1) * sizeof(cost);
    size_t sound_bytes = ((size_t)ref.count + (size_t)hyp.count) * sizeof(uint32_t);
    size_t bytes = 2 * row_bytes + sound_bytes + cells;
    if (bytes > out->work_bytes) {
        void *work = ting_alloc(bytes, 1);
        if (work == NULL)
            return TING_ERR_MEMORY;
        ting_free(out->work);
        out->work = work;
        out->work_bytes = bytes;
    }
    int most = ref.count + hyp.count;
    if (most > out->room) {
        ting_edit *edits = ting_alloc((size_t)most, sizeof *edits);
        if (edits == NULL)
            return TING_ERR_MEMORY;
        ting_free(out->edits);
        out->edits = edits;
        out->room = most;
    }
    out->count = out->matches = out->substitutions = out->deletions = out->insertions = 0;
    cost *rows = out->work;
    aligner a = {.ref = ref, .hyp = hyp, .out = out, .front = rows, .back = rows + hyp.count + 1,
                 .cells = (unsigned char *)out->work + 2 * row_bytes + sound_bytes};
    if (ref.sounds != NULL && hyp.sounds != NULL) {
        a.ref_sounds = (uint32_t *)(void *)((char *)out->work + 2 * row_bytes);
        a.hyp_sounds = a.ref_sounds + ref.count;
        pack_sounds(ref, a.ref_sounds);
        pack_sounds(hyp, a.hyp_sounds);
    }
    align_piece(&a, (piece){0, ref.count, 0, hyp.count});
out:
    return err;
}

void ting_alignment_free(ting_alignment *alignment)
{
    ting_free(alignment->edits);
    ting_free(alignment->work);
    *alignment = (ting_alignment){0};
}
