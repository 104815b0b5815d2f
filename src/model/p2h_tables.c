/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_tables.c - building and searching the tables of p2h_tables.h. */
#include "model/p2h_tables.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Vocabularies beyond this are not pinyin: bounds every product below. */
enum { SYLLABLES_MAX = 1 << 14, CHARACTERS_MAX = 1 << 17 };

static bool is_syllable(const char *name)
{
    size_t n = strlen(name);
    if (n < 2 || n >= TING_P2H_SYLLABLE_MAX || name[n - 1] < '1' || name[n - 1] > '5')
        return false;
    for (size_t i = 0; i + 1 < n; i++)
        if ((name[i] < 'a' || name[i] > 'z') && !((unsigned char)name[i] & 0x80)) /* "ê1" */
            return false;
    return true;
}

bool ting_p2h_same_letters(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && n > 0 && memcmp(a, b, n - 1) == 0;
}

static int compare_pairs(const void *a, const void *b)
{
    const ting_p2h_pair *x = a, *y = b;
    if (x->syllable != y->syllable)
        return x->syllable < y->syllable ? -1 : 1;
    return (x->character > y->character) - (x->character < y->character);
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static ting_err copy_names(ting_p2h_tables *t, int syllable_count, const char *const *syllables,
                           int character_count, const uint32_t *characters)
{
    ting_err err = TING_OK;
    t->syllables = TING_P2H_FIRST + syllable_count;
    t->characters = TING_P2H_FIRST + character_count;
    t->syllable = ting_alloc((size_t)t->syllables, sizeof *t->syllable);
    t->character = ting_alloc((size_t)t->characters, sizeof *t->character);
    if (t->syllable == NULL || t->character == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < syllable_count; i++) {
        if (!is_syllable(syllables[i]))
            FAIL(TING_ERR_FORMAT, "syllable %d of the table is \"%.16s\", expected letters and a tone 1 to 5", i,
                 syllables[i]);
        strcpy(t->syllable[TING_P2H_FIRST + i], syllables[i]);
        if (i > 0 && strcmp(syllables[i - 1], syllables[i]) >= 0)
            FAIL(TING_ERR_FORMAT, "syllables \"%s\" and \"%s\" of the table are not in ascending order",
                 syllables[i - 1], syllables[i]);
    }
    for (int i = 0; i < character_count; i++) {
        if (characters[i] == 0 || (i > 0 && characters[i - 1] >= characters[i]))
            FAIL(TING_ERR_FORMAT, "character %d of the table, U+%04X, is not above the one before it", i,
                 (unsigned)characters[i]);
        t->character[TING_P2H_FIRST + i] = characters[i];
    }
out:
    return err;
}

/* choices of every syllable from the pairs sorted by syllable and character */
static ting_err fill_choices(ting_p2h_tables *t, ting_p2h_pair *pairs, size_t count)
{
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    t->choice_start = ting_alloc((size_t)t->syllables + 1, sizeof(int));
    t->choices = ting_alloc(count, sizeof(int));
    if (t->choice_start == NULL || t->choices == NULL)
        return TING_ERR_MEMORY;
    int used = 0;
    size_t next = 0;
    for (int s = 0; s < t->syllables; s++) {
        t->choice_start[s] = used;
        for (; next < count && pairs[next].syllable == s; next++)
            if (next == 0 || compare_pairs(&pairs[next - 1], &pairs[next]) != 0)
                t->choices[used++] = pairs[next].character;
    }
    t->choice_start[t->syllables] = used;
    return TING_OK;
}

/* Syllables that differ by tone alone are neighbours in the order: their union is one list. */
static ting_err fill_toneless(ting_p2h_tables *t)
{
    t->toneless_start = ting_alloc((size_t)t->syllables, sizeof(int));
    t->toneless_end = ting_alloc((size_t)t->syllables, sizeof(int));
    t->toneless = ting_alloc((size_t)t->choice_start[t->syllables], sizeof(int));
    if (t->toneless_start == NULL || t->toneless_end == NULL || t->toneless == NULL)
        return TING_ERR_MEMORY;
    int used = 0;
    for (int first = TING_P2H_FIRST, last; first < t->syllables; first = last) {
        for (last = first + 1; last < t->syllables && ting_p2h_same_letters(t->syllable[first], t->syllable[last]);)
            last++;
        int *list = t->toneless + used;
        int count = t->choice_start[last] - t->choice_start[first], kept = 0;
        if (count > 0)
            memcpy(list, t->choices + t->choice_start[first], (size_t)count * sizeof *list);
        qsort(list, (size_t)count, sizeof *list, compare_ints);
        for (int i = 0; i < count; i++)
            if (i == 0 || list[i] != list[kept - 1])
                list[kept++] = list[i];
        for (int s = first; s < last; s++) {
            t->toneless_start[s] = used;
            t->toneless_end[s] = used + kept;
        }
        used += kept;
    }
    return TING_OK;
}

ting_err ting_p2h_tables_make(ting_p2h_tables *out, int syllable_count, const char *const *syllables,
                              int character_count, const uint32_t *characters, size_t pair_count,
                              const ting_p2h_pair *pairs)
{
    ting_err err = TING_OK;
    ting_p2h_pair *sorted = NULL;
    *out = (ting_p2h_tables){0};
    if (syllable_count < 0 || syllable_count > SYLLABLES_MAX || character_count < 0 || character_count > CHARACTERS_MAX ||
        pair_count > (size_t)INT32_MAX)
        FAIL(TING_ERR_FORMAT, "tables of %d syllables, %d characters and %zu readings are not pinyin tables",
             syllable_count, character_count, pair_count);
    TRY(copy_names(out, syllable_count, syllables, character_count, characters));
    for (size_t i = 0; i < pair_count; i++)
        if (pairs[i].syllable < TING_P2H_FIRST || pairs[i].syllable >= out->syllables ||
            pairs[i].character < TING_P2H_FIRST || pairs[i].character >= out->characters)
            FAIL(TING_ERR_FORMAT, "reading %zu names character %d of %d and syllable %d of %d", i,
                 pairs[i].character, out->characters, pairs[i].syllable, out->syllables);
    sorted = ting_alloc(pair_count, sizeof *sorted);
    if (sorted == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (pair_count > 0)
        memcpy(sorted, pairs, pair_count * sizeof *sorted);
    TRY(fill_choices(out, sorted, pair_count));
    TRY(fill_toneless(out));
out:
    ting_free(sorted);
    if (err != TING_OK)
        ting_p2h_tables_free(out);
    return err;
}

void ting_p2h_tables_free(ting_p2h_tables *tables)
{
    ting_free(tables->syllable);
    ting_free(tables->character);
    ting_free(tables->choice_start);
    ting_free(tables->choices);
    ting_free(tables->toneless_start);
    ting_free(tables->toneless_end);
    ting_free(tables->toneless);
    *tables = (ting_p2h_tables){0};
}

/* The first syllable whose name is not before `name` in the order. */
static int lower_bound(const ting_p2h_tables *t, const char *name)
{
    int low = TING_P2H_FIRST, high = t->syllables;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(t->syllable[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int ting_p2h_syllable(const ting_p2h_tables *tables, const char *name, size_t length)
{
    char key[TING_P2H_SYLLABLE_MAX] = {0};
    if (length == 0 || length + 1 > sizeof key)
        return TING_P2H_UNKNOWN;
    memcpy(key, name, length);
    bool toned = key[length - 1] >= '0' && key[length - 1] <= '9';
    if (!toned) {
        if (length + 2 > sizeof key)
            return TING_P2H_UNKNOWN;
        key[length] = '5';
    }
    int found = lower_bound(tables, key);
    if (found < tables->syllables && strcmp(tables->syllable[found], key) == 0)
        return found;
    if (toned)
        return TING_P2H_UNKNOWN;
    key[length] = '1';
    found = lower_bound(tables, key);
    return found < tables->syllables && ting_p2h_same_letters(tables->syllable[found], key) ? found : TING_P2H_UNKNOWN;
}

int ting_p2h_character(const ting_p2h_tables *tables, uint32_t code_point)
{
    int low = TING_P2H_FIRST, high = tables->characters;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (tables->character[middle] < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tables->characters && tables->character[low] == code_point ? low : TING_P2H_UNKNOWN;
}

int ting_p2h_allowed(const ting_p2h_tables *tables, ting_p2h_limit limit, int syllable, const int **out)
{
    if (limit == TING_P2H_FREE || syllable < TING_P2H_FIRST || syllable >= tables->syllables)
        return 0;
    int first = tables->choice_start[syllable], last = tables->choice_start[syllable + 1];
    if (limit == TING_P2H_EXACT && last > first) {
        *out = tables->choices + first;
        return last - first;
    }
    *out = tables->toneless + tables->toneless_start[syllable];
    return tables->toneless_end[syllable] - tables->toneless_start[syllable];
}
