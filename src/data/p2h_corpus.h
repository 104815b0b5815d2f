/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_corpus.h - sentences as (syllables, characters), in one memory-mapped file for training.
 *
 * Written once by `tingxie data p2h`, read by the trainer without copying. Little-endian, sections in
 * this order, each padded to 8 bytes:
 *
 *     header      "TINGP2H1", then u32 syllables, characters (both without the four special ids), sources,
 *                 0; then u64 readings, sentences, tokens, bytes of the file
 *     sources     [sources] of 192 bytes: name 48, licence 128 (zero-padded text), u64 first sentence,
 *                 u64 kind (a ting_p2h_kind)
 *     syllables   [syllables] of 8 bytes, zero-padded
 *     characters  u32 [characters]
 *     readings    u16 [readings][2]: character id, syllable id
 *     starts      u32 [sentences + 1]: first token of each sentence
 *     spoken      u16 [tokens]: syllable ids
 *     written     u16 [tokens]: character ids; 3 = not in the table
 *
 * Everything is checked on opening, each id too: afterwards no reader needs to look.
 */
#ifndef TING_DATA_P2H_CORPUS_H
#define TING_DATA_P2H_CORPUS_H

#include "base/file.h"
#include "model/p2h_tables.h"
#include "tingxie_train.h" /* ting_p2h_counts */

typedef enum ting_p2h_kind {
    TING_P2H_TRAIN,  /* to learn from */
    TING_P2H_MEASURE /* held out: error rates while training */
} ting_p2h_kind;

typedef struct ting_p2h_source {
    char name[48], licence[128];
    uint64_t first, count; /* sentences */
    ting_p2h_kind kind;
} ting_p2h_source;

typedef struct ting_p2h_corpus {
    ting_p2h_tables tables;
    int sources;
    ting_p2h_source *source;
    size_t sentences, tokens;
    const uint32_t *start;   /* [sentences + 1] */
    const uint16_t *spoken;  /* [tokens] */
    const uint16_t *written; /* [tokens] */
    ting_file file;
    uint64_t hash; /* of the whole file: a checkpoint belongs to one corpus */
} ting_p2h_corpus;

/* Maps and checks. Errors: io, format, memory. Free with ting_p2h_corpus_close. */
ting_err ting_p2h_corpus_open(const char *path, ting_p2h_corpus *out);
void ting_p2h_corpus_close(ting_p2h_corpus *corpus);

/* ---- writing ---- */

/*
 *     builder = ting_p2h_builder_new();
 *     ting_p2h_builder_reading(builder, 0x4E2D, zhong1);    dictionary readings, any number
 *     ting_p2h_builder_exclude(builder, n, characters);     before any line
 *     ting_p2h_builder_source(builder, "cv-wiki", "CC0-1.0", TING_P2H_TRAIN);
 *     ting_p2h_builder_line(builder, n, characters, syllables, trusted);
 *     TRY(ting_p2h_builder_write(builder, path, 2, &counts));
 *
 * Syllables are ids of text/pinyin.h. All failures are sticky and reported by write.
 */
typedef struct ting_p2h_builder ting_p2h_builder;

ting_p2h_builder *ting_p2h_builder_new(void); /* owned; NULL when out of memory */
void ting_p2h_builder_free(ting_p2h_builder *builder);
void ting_p2h_builder_reading(ting_p2h_builder *builder, uint32_t character, int syllable);

/* A TRAIN line with exactly these characters will be dropped. */
void ting_p2h_builder_exclude(ting_p2h_builder *builder, int count, const uint32_t *characters);
void ting_p2h_builder_source(ting_p2h_builder *builder, const char *name, const char *licence,
                             ting_p2h_kind kind);

/* Pairs seen in a line count as readings when `trusted` (pinyin checked by people or a corpus). */
void ting_p2h_builder_line(ting_p2h_builder *builder, int count, const uint32_t *characters,
                           const int *syllables, int trusted);

/* Keeps characters that occur at least `cut` times in TRAIN lines, and those of trusted lines always. The
 * result depends only on the calls made before. */
ting_err ting_p2h_builder_write(ting_p2h_builder *builder, const char *path, int cut, ting_p2h_counts *counts);

#endif
