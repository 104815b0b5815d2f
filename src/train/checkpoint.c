/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c - see checkpoint.h. */
#include "train/checkpoint.h"

#include "base/hash.h"

#include <stdint.h>
#include <string.h>

#define MAGIC "TINGCKP2"

enum { NAME = 32, BLOCKS_MAX = 256 };

typedef struct head { /* of the file */
    char magic[8];
    uint64_t blocks;
} head;

typedef struct block_head {
    char name[NAME];
    uint64_t bytes;
} block_head;

static size_t padding(size_t bytes)
{
    return (8 - bytes % 8) % 8;
}

/* Sections are hashed one by one and the hashes chained, so that nothing needs to be assembled in memory. */
static uint64_t chain(uint64_t hash, const void *bytes, size_t count)
{
    uint64_t pair[2] = {hash, ting_fingerprint(bytes, count)};
    return ting_fingerprint(pair, sizeof pair);
}

static void put(FILE *stream, uint64_t *hash, const void *bytes, size_t count)
{
    static const char zeros[8] = {0};
    *hash = chain(*hash, bytes, count);
    if (count > 0)
        fwrite(bytes, 1, count, stream);
    fwrite(zeros, 1, padding(count), stream);
}

ting_err ting_checkpoint_save(const char *path, const ting_state_block *blocks, int count)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    uint64_t hash = 0;
    head h = {.blocks = (uint64_t)count};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    TRY(ting_file_create(path, &writer));
    put(writer.stream, &hash, &h, sizeof h);
    for (int i = 0; i < count; i++) {
        block_head b = {.bytes = blocks[i].bytes};
        strncpy(b.name, blocks[i].name, NAME - 1);
        put(writer.stream, &hash, &b, sizeof b);
        put(writer.stream, &hash, blocks[i].data, blocks[i].bytes);
    }
    fwrite(&hash, sizeof hash, 1, writer.stream);
    TRY(ting_file_commit(&writer));
out:
    ting_file_abandon(&writer);
    return err;
}

/* The block at *at, which moves behind it; NULL when it does not fit before the fingerprint. */
static const block_head *next_block(const ting_file *file, size_t *at)
{
    const size_t end = file->size - sizeof(uint64_t);
    const block_head *b = (const block_head *)(const void *)(file->data + *at);
    if (end - *at < sizeof *b || b->bytes > end - *at - sizeof *b ||
        padding((size_t)b->bytes) > end - *at - sizeof *b - b->bytes || b->name[NAME - 1] != '\0')
        return NULL;
    *at += sizeof *b + (size_t)b->bytes + padding((size_t)b->bytes);
    return b;
}

ting_err ting_checkpoint_open(const char *path, ting_checkpoint *out)
{
    ting_err err = TING_OK;
    head h;
    uint64_t hash, stored;
    size_t at = sizeof h;
    *out = (ting_checkpoint){.path = path};
    TRY(ting_file_map(path, &out->file));
    const ting_file *file = &out->file;
    if (file->size < sizeof h + sizeof stored || memcmp(file->data, MAGIC, sizeof h.magic) != 0)
        FAIL(TING_ERR_FORMAT, "%s: not a checkpoint of this program", path);
    memcpy(&h, file->data, sizeof h);
    if (h.blocks > BLOCKS_MAX)
        FAIL(TING_ERR_FORMAT, "%s: %llu blocks, at most %d: the checkpoint is damaged", path, (unsigned long long)h.blocks,
             (int)BLOCKS_MAX);
    hash = chain(0, &h, sizeof h);
    for (uint64_t i = 0; i < h.blocks; i++) {
        const block_head *b = next_block(file, &at);
        if (b == NULL)
            FAIL(TING_ERR_FORMAT, "%s: %zu bytes: the checkpoint is truncated", path, file->size);
        hash = chain(hash, b, sizeof *b);
        hash = chain(hash, b + 1, (size_t)b->bytes);
    }
    if (at != file->size - sizeof stored)
        FAIL(TING_ERR_FORMAT, "%s: %zu bytes, its blocks need %zu: the checkpoint is damaged", path, file->size,
             at + sizeof stored);
    memcpy(&stored, file->data + at, sizeof stored);
    if (stored != hash)
        FAIL(TING_ERR_FORMAT, "%s: the checkpoint is damaged (fingerprint %016llx, expected %016llx)", path,
             (unsigned long long)hash, (unsigned long long)stored);
out:
    if (err != TING_OK)
        ting_checkpoint_close(out);
    return err;
}

void ting_checkpoint_close(ting_checkpoint *checkpoint)
{
    ting_file_unmap(&checkpoint->file);
}

bool ting_checkpoint_find(const ting_checkpoint *checkpoint, const char *name, const void **data, size_t *bytes)
{
    head h;
    size_t at = sizeof h;
    memcpy(&h, checkpoint->file.data, sizeof h);
    for (uint64_t i = 0; i < h.blocks; i++) {
        const block_head *b = next_block(&checkpoint->file, &at);
        if (strcmp(b->name, name) == 0) {
            *data = b + 1;
            *bytes = (size_t)b->bytes;
            return true;
        }
    }
    return false;
}

void ting_checkpoint_text(const ting_checkpoint *checkpoint, const char *name, ting_str *out)
{
    const void *data;
    size_t bytes = 0;
    if (ting_checkpoint_find(checkpoint, name, &data, &bytes) && bytes > 0 && memchr(data, '\0', bytes) == NULL) {
        ting_str_clear(out);
        ting_str_add_bytes(out, data, bytes);
    }
}

ting_err ting_checkpoint_read(const ting_checkpoint *checkpoint, const ting_state_block *blocks, int count)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < count; i++) {
            const void *data;
            size_t bytes;
            if (!ting_checkpoint_find(checkpoint, blocks[i].name, &data, &bytes))
                return ting_fail(TING_ERR_MODEL, "%s: the checkpoint has no \"%s\": it is of another kind of training",
                                 checkpoint->path, blocks[i].name);
            if (bytes != blocks[i].bytes)
                return ting_fail(TING_ERR_MODEL, "%s: \"%s\" has %zu bytes, this training needs %zu", checkpoint->path,
                                 blocks[i].name, bytes, blocks[i].bytes);
            if (pass == 1 && bytes > 0)
                memcpy(blocks[i].data, data, bytes);
        }
    return TING_OK;
}
