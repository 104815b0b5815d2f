/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_widen.h - a pinyin-to-hanzi network with more characters and readings than it was trained with.
 *
 * A new character's row of the output layer is the mean of those of all characters that are read like it, so that the network has no
 * opinion where it fits; its bias is 4 more, since the mean of many is far below the best of them. The language model, which knows the
 * text that the character is from, chooses. (Measured in docs/ADAPT.md.)
 */
#ifndef TING_MODEL_P2H_WIDEN_H
#define TING_MODEL_P2H_WIDEN_H

#include "model/gguf.h"
#include "model/p2h_tables.h"

#define TING_P2H_ADDED "added" /* key below tingxie.p2h: characters that the network was not trained with */

typedef struct ting_p2h_reading { /* a character, in the table or not, has the reading */
    uint32_t character;
    int syllable; /* id of the table */
} ting_p2h_reading;

typedef struct ting_p2h_widened { /* free with ting_p2h_widened_free, after the writer */
    ting_p2h_tables tables;
    int characters, readings; /* that are new; the readings of new characters count too */
    float *weight, *bias;     /* of the output layer; NULL where no character is new */
} ting_p2h_widened;

/* Puts network "p2h" of a file, a one-to-one network with these tables, with the readings [count], of which some may be known, into a
 * writer. The file must stay open until the writer is freed. Errors: model (another network), memory. */
ting_err ting_p2h_widen(const ting_gguf *file, const ting_p2h_tables *tables, const ting_p2h_reading *more, size_t count,
                        ting_gguf_writer *writer, ting_p2h_widened *out);
void ting_p2h_widened_free(ting_p2h_widened *widened);

#endif
