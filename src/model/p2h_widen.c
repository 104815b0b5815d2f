/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_widen.c - see p2h_widen.h. */
#include "model/p2h_widen.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "model/p2h_model.h"
#include "model/schema.h"

#include <stdlib.h>
#include <string.h>

#define WEIGHT "final_layer.weight"
#define BIAS   "final_layer.bias"

static const float BONUS = 4; /* of a new character's bias */

void ting_p2h_widened_free(ting_p2h_widened *w)
{
    ting_p2h_tables_free(&w->tables);
    ting_free(w->weight);
    ting_free(w->bias);
    *w = (ting_p2h_widened){0};
}

static int compare_points(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Ids of the old table in the new one, which has the characters of both in order of their code points. */
typedef struct merged {
    uint32_t *points; /* [count], without the special ones */
    int count;
    int *old; /* [TING_P2H_FIRST + count] id in the old table, or -1 */
    int *new; /* [old characters] id in the new one */
} merged;

static ting_err merge(const ting_p2h_tables *tables, const ting_p2h_reading *more, size_t count, merged *m)
{
    const size_t most = (size_t)tables->characters + count;
    m->points = ting_alloc(most, sizeof *m->points);
    m->old = ting_alloc(most, sizeof *m->old);
    m->new = ting_alloc((size_t)tables->characters, sizeof *m->new);
    if (m->points == NULL || m->old == NULL || m->new == NULL)
        return TING_ERR_MEMORY;
    size_t all = 0;
    for (int c = TING_P2H_FIRST; c < tables->characters; c++)
        m->points[all++] = tables->character[c];
    for (size_t i = 0; i < count; i++)
        m->points[all++] = more[i].character;
    qsort(m->points, all, sizeof *m->points, compare_points);
    for (size_t i = 0; i < all; i++)
        if (i == 0 || m->points[i] != m->points[m->count - 1])
            m->points[m->count++] = m->points[i];
    for (int c = 0; c < TING_P2H_FIRST; c++)
        m->old[c] = m->new[c] = c;
    for (int i = 0; i < m->count; i++) {
        const int old = ting_p2h_character(tables, m->points[i]);
        m->old[TING_P2H_FIRST + i] = old == TING_P2H_UNKNOWN ? -1 : old;
        if (old != TING_P2H_UNKNOWN)
            m->new[old] = TING_P2H_FIRST + i;
    }
    return TING_OK;
}

static int find_point(const merged *m, uint32_t point)
{
    const uint32_t *at = bsearch(&point, m->points, (size_t)m->count, sizeof point, compare_points);
    return TING_P2H_FIRST + (int)(at - m->points);
}

static ting_err make_tables(const ting_p2h_tables *tables, const ting_p2h_reading *more, size_t count, const merged *m,
                            ting_p2h_widened *out)
{
    ting_err err = TING_OK;
    const int had = tables->choice_start[tables->syllables];
    size_t pair_count = 0;
    ting_p2h_pair *pairs = ting_alloc((size_t)had + count, sizeof *pairs);
    const char **names = ting_alloc((size_t)tables->syllables, sizeof *names);
    TRY(pairs != NULL && names != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int s = TING_P2H_FIRST; s < tables->syllables; s++) {
        names[s - TING_P2H_FIRST] = tables->syllable[s];
        for (int i = tables->choice_start[s]; i < tables->choice_start[s + 1]; i++)
            pairs[pair_count++] = (ting_p2h_pair){m->new[tables->choices[i]], s};
    }
    for (size_t i = 0; i < count; i++)
        pairs[pair_count++] = (ting_p2h_pair){find_point(m, more[i].character), more[i].syllable};
    TRY(ting_p2h_tables_make(&out->tables, tables->syllables - TING_P2H_FIRST, names, m->count, m->points, pair_count, pairs));
    if (out->tables.characters > UINT16_MAX)
        FAIL(TING_ERR_MODEL, "%d characters with the new ones, a network has room for %d", out->tables.characters, UINT16_MAX);
    out->characters = out->tables.characters - tables->characters;
    out->readings = out->tables.choice_start[tables->syllables] - had;
out:
    ting_free(pairs);
    ting_free((void *)names);
    return err;
}

/* The mean of the old rows of the characters that share a syllable with `character`, once for each syllable. */
static void mean_row(const ting_p2h_widened *w, const merged *m, int character, size_t cols, const ting_stored *values, float *out)
{
    const ting_p2h_tables *t = &w->tables;
    int among = 0;
    for (int s = TING_P2H_FIRST; s < t->syllables; s++) {
        const int *choices = t->choices + t->choice_start[s], count = t->choice_start[s + 1] - t->choice_start[s];
        bool read_so = false;
        for (int i = 0; i < count && !read_so; i++)
            read_so = choices[i] == character;
        for (int i = 0; i < count && read_so; i++) {
            const int old = m->old[choices[i]];
            for (size_t c = 0; c < cols && old >= 0; c++)
                out[c] += (float)ting_stored_value(values, (size_t)old * cols + c);
            among += old >= 0;
        }
    }
    for (size_t c = 0; c < cols && among > 0; c++)
        out[c] /= (float)among;
}

static ting_err widen_tensor(const ting_network *network, const ting_p2h_widened *w, const merged *m, const char *name, float more,
                             float **out, ting_gguf_writer *writer)
{
    ting_err err = TING_OK;
    ting_stored stored;
    ting_table_view view = network->tensors;
    const ting_source source = ting_table_source(&view, network->keys.file->label);
    TRY(source.find(source.self, name, &stored));
    const size_t rows = stored.dims > 0 ? (size_t)stored.shape[0] : 0, cols = rows > 0 ? ting_stored_elements(&stored) / rows : 0;
    if (rows != (size_t)(w->tables.characters - w->characters))
        FAIL(TING_ERR_MODEL, "%s: p2h.%s has %zu rows, expected one for each of %d characters", network->keys.file->label, name, rows,
             w->tables.characters - w->characters);
    float *values = *out = ting_alloc((size_t)w->tables.characters * cols, sizeof *values);
    TRY(values != NULL ? TING_OK : TING_ERR_MEMORY);
    for (int r = 0; r < w->tables.characters; r++) {
        float *row = values + (size_t)r * cols;
        for (size_t c = 0; c < cols && m->old[r] >= 0; c++)
            row[c] = (float)ting_stored_value(&stored, (size_t)m->old[r] * cols + c);
        if (m->old[r] < 0)
            mean_row(w, m, r, cols, &stored, row);
        for (size_t c = 0; c < cols && m->old[r] < 0; c++)
            row[c] += more;
    }
    const ting_dtype dtype = stored.dtype;
    stored.dtype = TING_DTYPE_F32;
    stored.scale = NULL;
    stored.data = values;
    stored.shape[0] = w->tables.characters;
    stored.bytes = ting_dtype_bytes(TING_DTYPE_F32, (size_t)w->tables.characters * cols);
    char full[64];
    snprintf(full, sizeof full, "p2h.%s", name);
    ting_gguf_put_tensor(writer, full, &stored, dtype);
out:
    return err;
}

/* Those that a widening before this one has added, and the new ones. */
static ting_err put_added(const ting_network *network, const ting_p2h_widened *w, const merged *m, ting_gguf_writer *writer)
{
    ting_err err = TING_OK;
    ting_texts before = {0};
    char(*texts)[5] = ting_alloc((size_t)w->characters, sizeof *texts);
    const char **all = NULL;
    size_t count = 0;
    int added = 0;
    TRY(texts != NULL ? TING_OK : TING_ERR_MEMORY);
    if (ting_keys_has(&network->keys, TING_P2H_ADDED))
        TRY(ting_keys_texts(&network->keys, TING_P2H_ADDED, &before));
    all = ting_alloc(before.count + (size_t)w->characters, sizeof *all);
    TRY(all != NULL ? TING_OK : TING_ERR_MEMORY);
    for (size_t i = 0; i < before.count; i++)
        all[count++] = before.items[i];
    for (int c = TING_P2H_FIRST; c < w->tables.characters; c++)
        if (m->old[c] < 0) {
            ting_utf8_encode(w->tables.character[c], texts[added]);
            all[count++] = texts[added++];
        }
    ting_gguf_put_texts(writer, "tingxie.p2h." TING_P2H_ADDED, all, count);
out:
    ting_texts_free(&before);
    ting_free(texts);
    ting_free((void *)all);
    return err;
}

ting_err ting_p2h_widen(const ting_gguf *file, const ting_p2h_tables *tables, const ting_p2h_reading *more, size_t count,
                        ting_gguf_writer *writer, ting_p2h_widened *out)
{
    static const char *const tables_only[] = {"syllables", "characters", "readings", NULL},
                             *const rows_too[] = {"syllables", "characters", "readings", TING_P2H_ADDED, WEIGHT, BIAS, NULL};
    ting_err err = TING_OK;
    ting_network network;
    merged m = {.count = 0};
    *out = (ting_p2h_widened){0};
    TRY(ting_network_find(file, "p2h", &network));
    if (strcmp(network.architecture, "transformer-p2h") != 0)
        FAIL(TING_ERR_MODEL, "%s: its pinyin-to-hanzi network is \"%s\", expected \"transformer-p2h\"", file->label, network.architecture);
    TRY(merge(tables, more, count, &m));
    TRY(make_tables(tables, more, count, &m, out));
    TRY(ting_network_copy(file, "p2h", out->characters > 0 ? rows_too : tables_only, writer));
    TRY(ting_p2h_tables_put(writer, &out->tables));
    if (out->characters > 0) {
        TRY(widen_tensor(&network, out, &m, WEIGHT, 0, &out->weight, writer));
        TRY(widen_tensor(&network, out, &m, BIAS, BONUS, &out->bias, writer));
        TRY(put_added(&network, out, &m, writer));
    }
out:
    ting_free(m.points);
    ting_free(m.old);
    ting_free(m.new);
    return err;
}
