/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - parsing by table; see options.h. What is wrong becomes one sentence with the nearest name. */
#include "cli/options.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 64, MAX_OPTIONS = TING_MOST_OPTIONS };

TING_PRINTF(2, 3) static ting_parse wrong(ting_parsed *parsed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(parsed->sentence, sizeof parsed->sentence, format, args);
    va_end(args);
    return TING_PARSE_USAGE;
}

/* Edit distance with swaps of neighbours (Damerau), over names shorter than MAX_NAME. */
static int distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n >= MAX_NAME || m >= MAX_NAME)
        return INT_MAX;
    int row[3][MAX_NAME + 1];
    for (size_t j = 0; j <= m; j++)
        row[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[n % 3][m];
}

const char *ting_nearest(const char *given, const char *const *names, int count)
{
    const char *nearest = NULL;
    int least = (int)strlen(given) / 3 + 1; /* one slip in three letters, and one more */
    for (int i = 0; i < count; i++) {
        int d = distance(given, names[i]);
        if (d <= least && (nearest == NULL || d < least)) {
            nearest = names[i];
            least = d;
        }
    }
    return nearest;
}

bool ting_option_choice(const char *words, int index, char *out, size_t room)
{
    for (const char *word = words; *word != '\0'; index--) {
        size_t length = strcspn(word, " ");
        if (index == 0 && length < room) {
            memcpy(out, word, length);
            out[length] = '\0';
            return true;
        }
        word += length + (word[length] == ' ');
    }
    return false;
}

static bool is_text(ting_option_kind kind)
{
    return kind == TING_OPTION_TEXT || kind == TING_OPTION_FILE || kind == TING_OPTION_FOLDER;
}

void ting_option_default(const ting_option *option, const void *defaults, char *out, size_t room)
{
    const char *field = (const char *)defaults + option->offset;
    out[0] = '\0';
    if (option->unset != NULL) {
        snprintf(out, room, "%s", option->unset);
    } else if (option->kind == TING_OPTION_INT) {
        snprintf(out, room, "%d", *(const int *)(const void *)field);
    } else if (option->kind == TING_OPTION_REAL) {
        snprintf(out, room, "%g", *(const double *)(const void *)field);
    } else if (option->kind == TING_OPTION_CHOICE) {
        ting_option_choice(option->choices, *(const int *)(const void *)field, out, room);
    } else if (is_text(option->kind)) {
        const char *text = *(const char *const *)(const void *)field;
        snprintf(out, room, "%s", text == NULL ? "" : text);
    }
}

static ting_parse set_int(const ting_option *option, const char *text, int *field, ting_parsed *parsed)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    bool bounded = option->min != 0 || option->max != 0;
    if (end == text || *end != '\0')
        return wrong(parsed, "--%s wants a whole number, not '%s'", option->name, text);
    if (errno == ERANGE || value > INT_MAX || value < INT_MIN ||
        (bounded && ((double)value < option->min || (double)value > option->max)))
        return wrong(parsed, "--%s %s is out of range: %.0f to %.0f", option->name, text,
                     bounded ? option->min : (double)INT_MIN, bounded ? option->max : (double)INT_MAX);
    *field = (int)value;
    return TING_PARSE_OK;
}

static ting_parse set_real(const ting_option *option, const char *text, double *field, ting_parsed *parsed)
{
    char *end;
    double value = strtod(text, &end);
    bool bounded = option->min != 0 || option->max != 0;
    if (end == text || *end != '\0' || !isfinite(value))
        return wrong(parsed, "--%s wants a number, not '%s'", option->name, text);
    if (bounded && (value < option->min || value > option->max))
        return wrong(parsed, "--%s %s is out of range: %g to %g", option->name, text, option->min, option->max);
    *field = value;
    return TING_PARSE_OK;
}

static ting_parse set_choice(const ting_option *option, const char *text, int *field, ting_parsed *parsed)
{
    char words[MAX_OPTIONS][MAX_NAME];
    const char *names[MAX_OPTIONS];
    int count = 0;
    while (count < MAX_OPTIONS && ting_option_choice(option->choices, count, words[count], MAX_NAME)) {
        names[count] = words[count];
        if (strcmp(words[count], text) == 0) {
            *field = count;
            return TING_PARSE_OK;
        }
        count++;
    }
    const char *nearest = ting_nearest(text, names, count);
    return wrong(parsed, "--%s knows no '%s'%s%s%s; it takes one of: %s", option->name, text,
                 nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "",
                 option->choices);
}

static ting_parse append(ting_values *texts, const char *text)
{
    size_t count = (size_t)texts->count;
    const char **items = ting_grow(texts->items, count, count + 1, sizeof *items);
    if (items == NULL)
        return TING_PARSE_MEMORY;
    items[count] = text;
    texts->items = items;
    texts->count++;
    return TING_PARSE_OK;
}

static ting_parse set(const ting_option *option, const char *text, void *fields, ting_parsed *parsed)
{
    void *field = (char *)fields + option->offset;
    if (option - parsed->table < MAX_OPTIONS)
        parsed->given[option - parsed->table] = true;
    switch (option->kind) {
    case TING_OPTION_FLAG: *(bool *)field = true; return TING_PARSE_OK;
    case TING_OPTION_INT: return set_int(option, text, field, parsed);
    case TING_OPTION_REAL: return set_real(option, text, field, parsed);
    case TING_OPTION_CHOICE: return set_choice(option, text, field, parsed);
    case TING_OPTION_LIST: return append(field, text);
    default:
        if (text[0] == '\0')
            return wrong(parsed, "--%s wants a value, not an empty word", option->name);
        *(const char **)field = text;
        return TING_PARSE_OK;
    }
}

static ting_parse unknown_long(const ting_option *table, const char *name, ting_parsed *parsed)
{
    const char *names[MAX_OPTIONS + 2];
    int count = 0;
    for (const ting_option *option = table; option->name != NULL && count < MAX_OPTIONS; option++)
        names[count++] = option->name;
    names[count++] = "help";
    names[count++] = "quiet";
    const char *nearest = ting_nearest(name, names, count);
    if (nearest != NULL)
        return wrong(parsed, "there is no option --%s; did you mean --%s?", name, nearest);
    return wrong(parsed, "there is no option --%s", name);
}

/* argv[*at] begins with "--". */
static ting_parse parse_long(const ting_option *table, int argc, const char *const *argv, int *at, void *fields,
                             ting_parsed *parsed)
{
    const char *word = argv[*at] + 2, *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%.*s", (int)(length < MAX_NAME ? length : MAX_NAME - 1), word);
    if (strcmp(word, "help") == 0)
        return TING_PARSE_HELP;
    if (strcmp(word, "quiet") == 0) {
        parsed->quiet = true;
        return TING_PARSE_OK;
    }
    for (const ting_option *option = table; option->name != NULL; option++) {
        if (option->negatable && strncmp(name, "no-", 3) == 0 && strcmp(name + 3, option->name) == 0 &&
            equals == NULL) {
            *(bool *)(void *)((char *)fields + option->offset) = false;
            return TING_PARSE_OK;
        }
        if (strcmp(name, option->name) != 0)
            continue;
        if (option->kind == TING_OPTION_FLAG && equals != NULL)
            return wrong(parsed, "--%s takes no value", name);
        if (option->kind == TING_OPTION_FLAG || (equals == NULL && option->bare != NULL))
            return set(option, option->bare, fields, parsed);
        if (equals != NULL)
            return set(option, equals + 1, fields, parsed);
        if (*at + 1 >= argc)
            return wrong(parsed, "--%s wants a value: --%s %s", name, name, option->value);
        return set(option, argv[++*at], fields, parsed);
    }
    return unknown_long(table, name, parsed);
}

/* argv[*at] begins with one dash and has letters behind it. */
static ting_parse parse_letters(const ting_option *table, int argc, const char *const *argv, int *at,
                                void *fields, ting_parsed *parsed)
{
    for (const char *letter = argv[*at] + 1; *letter != '\0'; letter++) {
        const ting_option *option = table;
        while (option->name != NULL && option->letter != *letter)
            option++;
        if (option->name == NULL && *letter == 'h')
            return TING_PARSE_HELP;
        if (option->name == NULL && *letter == 'q') {
            parsed->quiet = true;
            continue;
        }
        if (option->name == NULL)
            return wrong(parsed, "there is no option -%c", *letter);
        if (option->kind == TING_OPTION_FLAG) {
            set(option, NULL, fields, parsed);
            continue;
        }
        if (letter[1] != '\0')
            return set(option, letter + 1, fields, parsed);
        if (option->bare != NULL)
            return set(option, option->bare, fields, parsed);
        if (*at + 1 >= argc)
            return wrong(parsed, "-%c wants a value: -%c %s", *letter, *letter, option->value);
        return set(option, argv[++*at], fields, parsed);
    }
    return TING_PARSE_OK;
}

/* needs: NAME, or NAME=CHOICE */
static bool is_given(const ting_parsed *parsed, const void *fields, const char *needs)
{
    const size_t length = strcspn(needs, "=");
    for (int k = 0; k < MAX_OPTIONS && parsed->table[k].name != NULL; k++) {
        const ting_option *option = &parsed->table[k];
        char choice[MAX_NAME];
        if (!parsed->given[k] || strlen(option->name) != length || strncmp(option->name, needs, length) != 0)
            continue;
        if (needs[length] == '\0')
            return true;
        const int index = *(const int *)(const void *)((const char *)fields + option->offset);
        return ting_option_choice(option->choices, index, choice, sizeof choice) && strcmp(choice, needs + length + 1) == 0;
    }
    return false;
}

/* What only says how another option is used is not passed over in silence where that is not given. */
static ting_parse check_needs(const void *fields, ting_parsed *parsed)
{
    for (int i = 0; i < MAX_OPTIONS && parsed->table[i].name != NULL; i++) {
        const ting_option *option = &parsed->table[i];
        if (parsed->given[i] && option->needs != NULL && !is_given(parsed, fields, option->needs))
            return wrong(parsed, "--%s goes with --%s, which is not given", option->name, option->needs);
    }
    return TING_PARSE_OK;
}

ting_parse ting_options_parse(const ting_option *table, int argc, const char *const *argv, void *fields,
                              ting_parsed *parsed)
{
    *parsed = (ting_parsed){.table = table};
    parsed->inputs = ting_alloc((size_t)argc, sizeof *parsed->inputs);
    if (parsed->inputs == NULL)
        return TING_PARSE_MEMORY;
    bool options = true;
    for (int at = 0; at < argc; at++) {
        ting_parse got = TING_PARSE_OK;
        const char *word = argv[at];
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (!options || word[0] != '-' || word[1] == '\0')
            parsed->inputs[parsed->input_count++] = word;
        else if (word[1] == '-')
            got = parse_long(table, argc, argv, &at, fields, parsed);
        else
            got = parse_letters(table, argc, argv, &at, fields, parsed);
        if (got != TING_PARSE_OK)
            return got;
    }
    return check_needs(fields, parsed);
}

void ting_options_free(const ting_option *table, void *fields, ting_parsed *parsed)
{
    for (const ting_option *option = table; option->name != NULL; option++) {
        if (option->kind == TING_OPTION_LIST)
            ting_free(((ting_values *)(void *)((char *)fields + option->offset))->items);
    }
    ting_free(parsed->inputs);
    parsed->inputs = NULL;
}
