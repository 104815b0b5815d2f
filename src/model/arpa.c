/* SPDX-License-Identifier: Apache-2.0 */
/* arpa.c - see arpa.h. */
#include "model/arpa.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "model/ngram_fill.h"
#include "model/vocabulary.h"

#include <math.h>
#include <string.h>

static const double LN10 = 2.302585092994046;

enum { NUMBER = 64 };

typedef struct parser {
    const char *label, *at, *end;
    size_t line; /* of what `text` shows */
    const char *text;
    size_t length;
    size_t promised[TING_NGRAM_MOST];
    ting_ngram_table *table;
    ting_vocabulary *vocabulary;
} parser;

/* ---- lines ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next line that is not empty, without the white space around it; false at the end. */
static bool next_line(parser *p)
{
    while (p->at < p->end) {
        const char *stop = memchr(p->at, '\n', (size_t)(p->end - p->at));
        const char *last = stop != NULL ? stop : p->end;
        p->text = p->at;
        p->at = stop != NULL ? stop + 1 : p->end;
        p->line++;
        while (p->text < last && is_blank(*p->text))
            p->text++;
        while (last > p->text && is_blank(last[-1]))
            last--;
        p->length = (size_t)(last - p->text);
        if (p->length > 0)
            return true;
    }
    return false;
}

static bool line_is(const parser *p, const char *text)
{
    return p->length == strlen(text) && memcmp(p->text, text, p->length) == 0;
}

/* Takes the next word of the line; length 0 at its end. */
static const char *next_word(parser *p, size_t *length)
{
    while (p->length > 0 && is_blank(*p->text)) {
        p->text++;
        p->length--;
    }
    const char *word = p->text;
    for (*length = 0; *length < p->length && !is_blank(word[*length]);)
        ++*length;
    p->text += *length;
    p->length -= *length;
    return word;
}

static ting_err read_number(parser *p, double *out)
{
    char copy[NUMBER], *end;
    size_t length;
    const char *word = next_word(p, &length);
    if (length == 0 || length >= sizeof copy)
        return ting_fail(TING_ERR_FORMAT, "%s:%zu: expected a number", p->label, p->line);
    memcpy(copy, word, length);
    copy[length] = '\0';
    *out = ting_number_read(copy, &end);
    if (end == copy || *end != '\0' || !(fabs(*out) < 1e6))
        return ting_fail(TING_ERR_FORMAT, "%s:%zu: \"%s\" is no number that a logarithm may be", p->label, p->line, copy);
    return TING_OK;
}

/* ---- head ---- */

/* The rest of a line "ngram 2=": how many there are. */
static ting_err read_count(parser *p, size_t *out)
{
    enum { DIGITS = 12 };
    size_t length, digits = 0;
    const char *word = next_word(p, &length);
    *out = 0;
    for (; digits < length && word[digits] >= '0' && word[digits] <= '9' && digits < DIGITS; digits++)
        *out = 10 * *out + (size_t)(word[digits] - '0');
    if (digits == 0 || digits < length)
        return ting_fail(TING_ERR_FORMAT, "%s:%zu: \"%.*s\", expected how many n-grams follow, of up to %d digits", p->label, p->line,
                         (int)(length < NUMBER ? length : NUMBER), word, (int)DIGITS);
    return TING_OK;
}

static ting_err read_prob(parser *p, double *out)
{
    const ting_err err = read_number(p, out);
    if (err == TING_OK && *out > 1e-4)
        return ting_fail(TING_ERR_FORMAT, "%s:%zu: %g, expected the logarithm of a probability, at most 0", p->label, p->line, *out);
    return err;
}

static ting_err read_head(parser *p)
{
    ting_err err = TING_OK;
    while (next_line(p) && !line_is(p, "\\data\\"))
        ; /* a remark may stand before it */
    if (p->at == p->end)
        FAIL(TING_ERR_FORMAT, "%s: not an ARPA file: no line \"\\data\\\"", p->label);
    while (next_line(p) && p->length > 6 && memcmp(p->text, "ngram ", 6) == 0) {
        const int order = p->table->order + 1;
        char want[32];
        snprintf(want, sizeof want, "ngram %d=", order);
        if (order > TING_NGRAM_MOST || p->length < strlen(want) || memcmp(p->text, want, strlen(want)) != 0)
            FAIL(TING_ERR_FORMAT, "%s:%zu: \"%.*s\", expected \"%s\" and a count, of orders up to %d", p->label, p->line,
                 (int)(p->length < 40 ? p->length : 40), p->text, want, (int)TING_NGRAM_MOST);
        p->length -= strlen(want);
        p->text += strlen(want);
        TRY(read_count(p, &p->promised[p->table->order]));
        p->table->order++;
    }
    if (p->table->order == 0)
        FAIL(TING_ERR_FORMAT, "%s:%zu: no \"ngram 1=\" follows \"\\data\\\"", p->label, p->line);
out:
    return err;
}

/* ---- n-grams ---- */

typedef struct unigrams { /* while they are read */
    ting_str block;       /* the words but for the three, a zero byte behind each */
    double *prob, *backoff;
    size_t count, rooms[2];
    double special[TING_NGRAM_SPECIALS][2];
    bool found[TING_NGRAM_SPECIALS];
} unigrams;

static int special_of(const char *word, size_t length)
{
    static const char *const names[] = {"<unk>", "<s>", "</s>", "<UNK>"};
    for (int i = 0; i < 4; i++)
        if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0)
            return i % TING_NGRAM_SPECIALS;
    return -1;
}

static ting_err read_unigram(parser *p, unigrams *u)
{
    ting_err err = TING_OK;
    double prob, backoff = 0;
    size_t length;
    TRY(read_prob(p, &prob));
    const char *word = next_word(p, &length);
    if (length == 0 || memchr(word, '\0', length) != NULL)
        FAIL(TING_ERR_FORMAT, "%s:%zu: a probability without a word", p->label, p->line);
    const int special = special_of(word, length);
    if (p->length > 0)
        TRY(read_number(p, &backoff));
    if (special >= 0) {
        if (u->found[special])
            FAIL(TING_ERR_FORMAT, "%s:%zu: the word \"%.*s\" stands twice", p->label, p->line, (int)length, word);
        u->found[special] = true;
        u->special[special][0] = prob * LN10;
        u->special[special][1] = backoff * LN10;
        goto out;
    }
    TRY(ting_reserve(&u->prob, u->count, 1, &u->rooms[0], sizeof *u->prob));
    TRY(ting_reserve(&u->backoff, u->count, 1, &u->rooms[1], sizeof *u->backoff));
    u->prob[u->count] = prob * LN10;
    u->backoff[u->count++] = backoff * LN10;
    ting_str_add_bytes(&u->block, word, length);
    ting_str_add_bytes(&u->block, "", 1);
out:
    return err;
}

static ting_err take_unigrams(parser *p, unigrams *u)
{
    static const char specials[] = "<unk>\0<s>\0</s>";
    ting_err err = TING_OK;
    ting_ngram_table *t = p->table;
    if (!u->found[TING_NGRAM_BEGIN] || !u->found[TING_NGRAM_END])
        FAIL(TING_ERR_FORMAT, "%s: the words \"<s>\" and \"</s>\" must have a probability", p->label);
    t->words.items = ting_alloc(u->count + TING_NGRAM_SPECIALS, sizeof *t->words.items);
    t->words.block = ting_alloc(sizeof specials + u->block.length, 1);
    if (t->words.items == NULL || t->words.block == NULL || u->block.failed)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", p->label);
    memcpy(t->words.block, specials, sizeof specials);
    if (u->block.length > 0)
        memcpy(t->words.block + sizeof specials, u->block.text, u->block.length);
    for (const char *at = t->words.block; t->words.count < u->count + TING_NGRAM_SPECIALS; at += strlen(at) + 1)
        t->words.items[t->words.count++] = at;
    TRY_IN(ting_vocabulary_new(&t->words, &p->vocabulary), "%s", p->label);
    for (uint32_t w = 0; w < t->words.count; w++) {
        const bool own = w >= TING_NGRAM_SPECIALS;
        TRY(ting_ngram_table_add(t, 1, &w, own ? u->prob[w - TING_NGRAM_SPECIALS] : u->special[w][0],
                                 own ? u->backoff[w - TING_NGRAM_SPECIALS] : u->special[w][1]));
    }
out:
    return err;
}

static ting_err read_gram(parser *p, int order)
{
    ting_err err = TING_OK;
    double prob, backoff = 0;
    uint32_t words[TING_NGRAM_MOST];
    TRY(read_prob(p, &prob));
    for (int i = 0; i < order; i++) {
        size_t length;
        const char *word = next_word(p, &length);
        const int special = length > 0 ? special_of(word, length) : -1;
        words[i] = special >= 0 ? (uint32_t)special : length > 0 ? ting_vocabulary_find(p->vocabulary, word, length) : TING_NGRAM_UNKNOWN;
        if (length == 0 || (words[i] == TING_NGRAM_UNKNOWN && special < 0))
            FAIL(TING_ERR_FORMAT, "%s:%zu: \"%.*s\" in the place of word %d of %d: it is no word of the 1-grams", p->label, p->line,
                 (int)(length < 40 ? length : 40), word, i + 1, order);
        if ((words[i] == TING_NGRAM_BEGIN && i > 0) || (words[i] == TING_NGRAM_END && i + 1 < order))
            FAIL(TING_ERR_FORMAT, "%s:%zu: <s> stands behind another word, or </s> before one", p->label, p->line);
    }
    if (p->length > 0)
        TRY(read_number(p, &backoff));
    TRY(ting_ngram_table_add(p->table, order, words, prob * LN10, backoff * LN10));
out:
    return err;
}

/* p stands on the line "\K-grams:"; afterwards on the one that ends the section. */
static ting_err read_section(parser *p, int order, unigrams *u)
{
    ting_err err = TING_OK;
    char title[32];
    size_t count = 0;
    bool more;
    snprintf(title, sizeof title, "\\%d-grams:", order);
    if (!line_is(p, title))
        FAIL(TING_ERR_FORMAT, "%s:%zu: \"%.*s\", expected \"%s\"", p->label, p->line, (int)(p->length < 40 ? p->length : 40), p->text,
             title);
    for (; (more = next_line(p)) && *p->text != '\\'; count++)
        TRY(order == 1 ? read_unigram(p, u) : read_gram(p, order));
    if (count != p->promised[order - 1] || !more)
        FAIL(TING_ERR_FORMAT, "%s:%zu: %zu n-grams of order %d, the head promises %zu%s", p->label, p->line, count, order,
             p->promised[order - 1], more ? "" : "; the file is cut off");
    if (order == 1)
        TRY(take_unigrams(p, u));
out:
    return err;
}

ting_err ting_arpa_parse(const char *label, const void *bytes, size_t size, ting_ngram_table *out)
{
    ting_err err = TING_OK;
    *out = (ting_ngram_table){0};
    parser p = {.label = label, .at = bytes, .end = (const char *)bytes + size, .table = out};
    unigrams u = {.special = {{TING_NGRAM_NEVER, 0}, {TING_NGRAM_NEVER, 0}, {0, 0}}};
    TRY(read_head(&p));
    for (int k = 1; k <= out->order; k++)
        TRY(read_section(&p, k, &u));
    if (!line_is(&p, "\\end\\"))
        FAIL(TING_ERR_FORMAT, "%s:%zu: \"%.*s\", expected \"\\end\\\"", label, p.line, (int)(p.length < 40 ? p.length : 40), p.text);
    TRY_IN(ting_ngram_fill(out), "%s", label);
out:
    ting_vocabulary_free(p.vocabulary);
    ting_str_free(&u.block);
    ting_free(u.prob);
    ting_free(u.backoff);
    if (err != TING_OK)
        ting_ngram_table_free(out);
    return err;
}

ting_err ting_arpa_read(const char *path, ting_ngram_table *out)
{
    ting_file file = {0};
    *out = (ting_ngram_table){0};
    ting_err err = ting_file_map(path, &file);
    if (err == TING_OK)
        err = ting_arpa_parse(path, file.data != NULL ? file.data : (const unsigned char *)"", file.size, out);
    ting_file_unmap(&file);
    return err;
}

/* ---- writing ---- */

static void write_gram(FILE *stream, const ting_ngram_table *t, int order, size_t at)
{
    const ting_ngram_level *l = &t->level[order - 1];
    ting_number_fprint(stream, "%.7g\t", (double)l->prob[at] / LN10);
    for (int i = 0; i < order; i++)
        fprintf(stream, "%s%s", i > 0 ? " " : "", t->words.items[l->words[at * (size_t)order + (size_t)i]]);
    if (order < t->order && l->backoff[at] != 0)
        ting_number_fprint(stream, "\t%.7g", (double)l->backoff[at] / LN10);
    fputc('\n', stream);
}

ting_err ting_arpa_save(const char *path, const ting_ngram_table *t)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    TRY(ting_file_create(path, &writer));
    fprintf(writer.stream, "\\data\\\n");
    for (int k = 1; k <= t->order; k++)
        fprintf(writer.stream, "ngram %d=%zu\n", k, t->level[k - 1].count);
    for (int k = 1; k <= t->order; k++) {
        fprintf(writer.stream, "\n\\%d-grams:\n", k);
        for (size_t i = 0; i < t->level[k - 1].count; i++)
            write_gram(writer.stream, t, k, i);
    }
    fprintf(writer.stream, "\n\\end\\\n");
    TRY(ting_file_commit(&writer));
out:
    ting_file_abandon(&writer);
    return err;
}
