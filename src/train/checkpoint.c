/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c - see checkpoint.h. */
#include "train/checkpoint.h"

#include "base/file.h"
#include "base/mem.h"
#include "data/p2h_layout.h"

#include <string.h>

#define MAGIC "TINGCKP1"

enum { BLOCKS = 4 };

typedef struct header {
    char magic[8];
    uint32_t number_bytes, blocks;
    uint64_t elements, curve_count, corpus_hash, shape_hash;
    int64_t step, epoch, place, moments, decay_from, decay_steps, skipped;
} header;

/* Sections are hashed one by one and the hashes chained, so that nothing needs to be assembled in memory. */
static uint64_t chain(uint64_t hash, const void *bytes, size_t count)
{
    uint64_t pair[2] = {hash, ting_p2h_hash(bytes, count)};
    return ting_p2h_hash(pair, sizeof pair);
}

static void put(FILE *stream, uint64_t *hash, const void *bytes, size_t count)
{
    *hash = chain(*hash, bytes, count);
    fwrite(bytes, 1, count, stream);
}

ting_err ting_checkpoint_save(const char *path, const ting_checkpoint *c)
{
    ting_err err = TING_OK;
    ting_file_writer writer = {0};
    uint64_t hash = 0;
    header h = {.number_bytes = sizeof(ting_real),
                .blocks = BLOCKS,
                .elements = c->elements,
                .curve_count = c->curve_count,
                .corpus_hash = c->corpus_hash,
                .shape_hash = c->shape_hash,
                .step = c->step,
                .epoch = c->epoch,
                .place = c->place,
                .moments = c->moments,
                .decay_from = c->decay_from,
                .decay_steps = c->decay_steps,
                .skipped = c->skipped};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    TRY(ting_file_create(path, &writer));
    put(writer.stream, &hash, &h, sizeof h);
    const ting_real *const blocks[BLOCKS] = {c->values, c->mean, c->square, c->average};
    for (int i = 0; i < BLOCKS; i++)
        put(writer.stream, &hash, blocks[i], c->elements * sizeof(ting_real));
    if (c->curve_count > 0)
        put(writer.stream, &hash, c->curve, c->curve_count * sizeof *c->curve);
    fwrite(&hash, sizeof hash, 1, writer.stream);
    TRY(ting_file_commit(&writer));
out:
    ting_file_abandon(&writer);
    return err;
}

static ting_err check_header(const char *path, const header *h, size_t size, const ting_checkpoint *out)
{
    if (memcmp(h->magic, MAGIC, sizeof h->magic) != 0 || h->blocks != BLOCKS)
        return ting_fail(TING_ERR_FORMAT, "%s: not a checkpoint of this program", path);
    if (h->number_bytes != sizeof(ting_real))
        return ting_fail(TING_ERR_MODEL, "%s: numbers of %u bytes, this build has %zu", path,
                         (unsigned)h->number_bytes, sizeof(ting_real));
    if (h->elements != out->elements || h->shape_hash != out->shape_hash)
        return ting_fail(TING_ERR_MODEL, "%s: the checkpoint is of another network (%llu parameters, the recipe gives %zu)",
                         path, (unsigned long long)h->elements, out->elements);
    if (h->corpus_hash != out->corpus_hash)
        return ting_fail(TING_ERR_MODEL, "%s: the checkpoint was trained on another corpus file", path);
    uint64_t fixed = sizeof *h + BLOCKS * h->elements * sizeof(ting_real) + sizeof(uint64_t);
    if (size < fixed || (size - fixed) / sizeof(ting_curve_point) != h->curve_count ||
        (size - fixed) % sizeof(ting_curve_point) != 0)
        return ting_fail(TING_ERR_FORMAT, "%s: %zu bytes: the checkpoint is truncated", path, size);
    return TING_OK;
}

ting_err ting_checkpoint_load(const char *path, ting_checkpoint *out)
{
    ting_err err = TING_OK;
    ting_file file = {0};
    header h;
    uint64_t hash = 0, stored;
    TRY(ting_file_map(path, &file));
    if (file.size < sizeof h)
        FAIL(TING_ERR_FORMAT, "%s: %zu bytes: not a checkpoint", path, file.size);
    memcpy(&h, file.data, sizeof h);
    TRY(check_header(path, &h, file.size, out));
    const unsigned char *at = file.data + sizeof h;
    hash = chain(hash, file.data, sizeof h);
    const size_t bytes = out->elements * sizeof(ting_real), curve_bytes = h.curve_count * sizeof *out->curve;
    for (int i = 0; i < BLOCKS; i++)
        hash = chain(hash, at + (size_t)i * bytes, bytes);
    if (curve_bytes > 0)
        hash = chain(hash, at + BLOCKS * bytes, curve_bytes);
    memcpy(&stored, at + BLOCKS * bytes + curve_bytes, sizeof stored);
    if (stored != hash)
        FAIL(TING_ERR_FORMAT, "%s: the checkpoint is damaged (fingerprint %016llx, expected %016llx)", path,
             (unsigned long long)hash, (unsigned long long)stored);
    ting_curve_point *curve = ting_alloc(h.curve_count, sizeof *curve);
    if (curve == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (curve_bytes > 0)
        memcpy(curve, at + BLOCKS * bytes, curve_bytes);
    ting_real *const blocks[BLOCKS] = {out->values, out->mean, out->square, out->average};
    for (int i = 0; i < BLOCKS; i++)
        memcpy(blocks[i], at + (size_t)i * bytes, bytes);
    out->curve = curve;
    out->curve_count = (size_t)h.curve_count;
    out->step = h.step;
    out->epoch = h.epoch;
    out->place = h.place;
    out->moments = h.moments;
    out->decay_from = h.decay_from;
    out->decay_steps = h.decay_steps;
    out->skipped = h.skipped;
out:
    ting_file_unmap(&file);
    return err;
}
