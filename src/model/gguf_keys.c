/* SPDX-License-Identifier: Apache-2.0 */
/* gguf_keys.c - typed values of a GGUF file's keys; see gguf.h. */
#include "model/gguf.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Binary search for prefix + key. */
static const ting_gguf_entry *find(const ting_keys *keys, const char *key)
{
    size_t prefix_length = strlen(keys->prefix);
    size_t low = 0, high = keys->file->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const ting_gguf_entry *entry = &keys->file->entries[middle];
        int order = strncmp(keys->prefix, entry->key, prefix_length);
        if (order == 0)
            order = strcmp(key, entry->key + prefix_length);
        if (order == 0)
            return entry;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool ting_keys_has(const ting_keys *keys, const char *key)
{
    return find(keys, key) != NULL;
}

static ting_err get(const ting_keys *keys, const char *key, bool is_array, const ting_gguf_entry **out)
{
    ting_err err = TING_OK;
    *out = find(keys, key);
    if (*out == NULL)
        FAIL(TING_ERR_NOT_FOUND, "%s: no key \"%s%s\"", keys->file->label, keys->prefix, key);
    if ((*out)->is_array != is_array)
        FAIL(TING_ERR_MODEL, "%s: \"%s\" is %s, expected %s", keys->file->label, (*out)->key,
             is_array ? "a single value" : "an array", is_array ? "an array" : "a single value");
out:
    return err;
}

static ting_err wrong_type(const ting_keys *keys, const ting_gguf_entry *entry, const char *wanted)
{
    return ting_fail(TING_ERR_MODEL, "%s: \"%s\" has type %s, expected %s", keys->file->label, entry->key,
                     ting_gguf_type_name(entry->type), wanted);
}

ting_err ting_keys_text(const ting_keys *keys, const char *key, const char **out)
{
    ting_err err = TING_OK;
    const ting_gguf_entry *entry;
    TRY(get(keys, key, false, &entry));
    if (entry->type != TING_GGUF_STRING)
        return wrong_type(keys, entry, "string");
    *out = entry->text;
out:
    return err;
}

/* Item i as an integer; false when the type is none or the value exceeds an int64. */
static bool integer_at(const ting_gguf_entry *entry, uint64_t i, int64_t *out)
{
    const unsigned char *at = entry->value + i * ting_gguf_type_bytes(entry->type);
    uint64_t wide = 0;
    switch (entry->type) {
    case TING_GGUF_U8: *out = *at; return true;
    case TING_GGUF_I8: *out = (signed char)*at; return true;
    case TING_GGUF_U16: *out = at[0] | at[1] << 8; return true;
    case TING_GGUF_I16: *out = (int16_t)(at[0] | at[1] << 8); return true;
    case TING_GGUF_U32: memcpy(&wide, at, 4); break;
    case TING_GGUF_I32: memcpy(&wide, at, 4); wide = (uint64_t)(int64_t)(int32_t)wide; break;
    case TING_GGUF_U64: memcpy(&wide, at, 8); break;
    case TING_GGUF_I64: memcpy(&wide, at, 8); break;
    default: return false;
    }
    *out = (int64_t)wide;
    return entry->type != TING_GGUF_U64 || wide <= INT64_MAX;
}

double ting_gguf_number(const ting_gguf_entry *entry, uint64_t i)
{
    const unsigned char *at = entry->value + i * ting_gguf_type_bytes(entry->type);
    int64_t integer;
    uint64_t wide;
    float f32;
    double f64;
    switch (entry->type) {
    case TING_GGUF_F32: memcpy(&f32, at, 4); return (double)f32;
    case TING_GGUF_F64: memcpy(&f64, at, 8); return f64;
    case TING_GGUF_U64: memcpy(&wide, at, 8); return (double)wide;
    case TING_GGUF_BOOL: return *at != 0;
    default: return integer_at(entry, i, &integer) ? (double)integer : (double)NAN;
    }
}

ting_err ting_keys_integer(const ting_keys *keys, const char *key, int64_t least, int64_t most,
                           int64_t *out)
{
    ting_err err = TING_OK;
    const ting_gguf_entry *entry;
    TRY(get(keys, key, false, &entry));
    if (!integer_at(entry, 0, out))
        return wrong_type(keys, entry, "an integer");
    if (*out < least || *out > most)
        FAIL(TING_ERR_MODEL, "%s: \"%s\" is %" PRId64 ", expected %" PRId64 " to %" PRId64,
             keys->file->label, entry->key, *out, least, most);
out:
    return err;
}

ting_err ting_keys_real(const ting_keys *keys, const char *key, double *out)
{
    ting_err err = TING_OK;
    const ting_gguf_entry *entry;
    TRY(get(keys, key, false, &entry));
    if (entry->type == TING_GGUF_STRING || entry->type == TING_GGUF_BOOL)
        return wrong_type(keys, entry, "a number");
    *out = ting_gguf_number(entry, 0);
    if (!isfinite(*out))
        FAIL(TING_ERR_MODEL, "%s: \"%s\" is not finite", keys->file->label, entry->key);
out:
    return err;
}

ting_err ting_keys_flag(const ting_keys *keys, const char *key, bool *out)
{
    ting_err err = TING_OK;
    const ting_gguf_entry *entry;
    TRY(get(keys, key, false, &entry));
    if (entry->type != TING_GGUF_BOOL)
        return wrong_type(keys, entry, "bool");
    *out = *entry->value != 0;
out:
    return err;
}

ting_err ting_keys_integers(const ting_keys *keys, const char *key, int least, int most, int *out,
                            size_t room, size_t *count)
{
    ting_err err = TING_OK;
    const ting_gguf_entry *entry;
    int64_t value;
    TRY(get(keys, key, true, &entry));
    if (entry->count > room)
        FAIL(TING_ERR_MODEL, "%s: \"%s\" has %" PRIu64 " items, at most %zu are allowed", keys->file->label,
             entry->key, entry->count, room);
    for (uint64_t i = 0; i < entry->count; i++) {
        if (!integer_at(entry, i, &value))
            return wrong_type(keys, entry, "integers");
        if (value < least || value > most)
            FAIL(TING_ERR_MODEL, "%s: \"%s\"[%" PRIu64 "] is %" PRId64 ", expected %d to %d",
                 keys->file->label, entry->key, i, value, least, most);
        out[i] = (int)value;
    }
    *count = (size_t)entry->count;
out:
    return err;
}

ting_err ting_keys_texts(const ting_keys *keys, const char *key, ting_texts *out)
{
    ting_err err = TING_OK;
    const ting_gguf_entry *entry;
    *out = (ting_texts){0};
    TRY(get(keys, key, true, &entry));
    if (entry->type != TING_GGUF_STRING)
        return wrong_type(keys, entry, "strings");
    /* A length of 8 bytes stands before each string, so its bytes and a terminator fit in the same room. */
    out->items = ting_alloc((size_t)entry->count, sizeof *out->items);
    out->block = ting_alloc(entry->bytes, 1);
    if (out->items == NULL || out->block == NULL) {
        ting_texts_free(out);
        err = TING_ERR_MEMORY;
        goto out;
    }
    const unsigned char *at = entry->value;
    char *to = out->block;
    for (; out->count < entry->count; out->count++) {
        uint64_t length;
        memcpy(&length, at, sizeof length);
        memcpy(to, at + sizeof length, (size_t)length);
        out->items[out->count] = to;
        to += length + 1;
        at += sizeof length + length;
    }
out:
    return err;
}

void ting_texts_free(ting_texts *texts)
{
    ting_free((void *)texts->items);
    ting_free(texts->block);
    *texts = (ting_texts){0};
}

ting_err ting_texts_make(const char *block, size_t bytes, size_t count, ting_texts *out)
{
    *out = (ting_texts){.items = ting_alloc(count, sizeof *out->items), .block = ting_alloc(bytes, 1)};
    if (out->items == NULL || out->block == NULL) {
        ting_texts_free(out);
        return TING_ERR_MEMORY;
    }
    if (bytes > 0)
        memcpy(out->block, block, bytes);
    for (const char *at = out->block; out->count < count; at += strlen(at) + 1)
        out->items[out->count++] = at;
    return TING_OK;
}

ting_err ting_texts_copy(const ting_texts *from, ting_texts *out)
{
    size_t bytes = 0;
    for (size_t i = 0; i < from->count; i++)
        bytes += strlen(from->items[i]) + 1;
    *out = (ting_texts){.items = ting_alloc(from->count, sizeof *out->items), .block = ting_alloc(bytes, 1)};
    if (out->items == NULL || out->block == NULL) {
        ting_texts_free(out);
        return TING_ERR_MEMORY;
    }
    for (char *at = out->block; out->count < from->count; at += strlen(at) + 1)
        out->items[out->count] = strcpy(at, from->items[out->count]), out->count++;
    return TING_OK;
}
