/* SPDX-License-Identifier: Apache-2.0 */
/*
 * g2pm.h - g2pM, a BiLSTM that chooses the reading of Mandarin polyphones (Park and Lee 2020), from the
 * folder its authors publish:
 *
 *     char2idx.pkl        character -> row of the embedding; <UNK>, and two Korean characters as begin
 *                         and end of the sentence
 *     class2idx.pkl       syllable -> output
 *     digest_cedict.pkl   character -> its readings
 *     np_ckpt.pkl         the weights, under torch's names
 *
 *     sentence [T] -> begin, characters, end -> embedding [T + 2, 64] -> LSTM forward and backward, 32 each
 *     -> [T + 2, 64] -> linear 32, ReLU -> linear [outputs] -> best of the character's own readings
 *
 * Deviation: the authors take the best of all outputs, here only the character's own readings can win
 * (docs/models/g2pm.md says how often that differs). A character with one reading has it without the
 * network; one that is not in the table has none.
 *
 * One thread at a time per model.
 */
#ifndef TING_MODEL_G2PM_H
#define TING_MODEL_G2PM_H

#include "base/err.h"
#include "text/g2p.h"

#include <stdbool.h>

typedef struct ting_g2pm ting_g2pm;

/* Reads the folder. Errors: io; format; model (a table or weight that is missing, or of another shape); memory. */
ting_err ting_g2pm_open(const char *folder, ting_g2pm **out); /* owned, free with ting_g2pm_free */
void ting_g2pm_free(ting_g2pm *model);

/* Whether a folder holds the four files. */
bool ting_g2pm_is_folder(const char *folder);

/*
 * Syllables for the characters of one sentence, code points text [count]: ids[i] is set where wanted[i] is
 * not 0 (NULL: everywhere) and the model knows the character; others are left alone. More than
 * TING_G2PM_WINDOW characters are read window by window. Errors: memory.
 */
enum { TING_G2PM_WINDOW = 1024 };
ting_err ting_g2pm_read(ting_g2pm *model, const uint32_t *text, int count, const unsigned char *wanted, int *ids);

/* The model as what ting_g2p_read asks; borrows the model. */
ting_polyphone ting_g2pm_polyphone(ting_g2pm *model);

#endif
