/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus.h - miniature corpora with the layout of the public ones (docs/DATA.md), a clip at a time.
 *
 *     aishell1        data_aishell/wav/PART/S0002/BAC009S0002W0122.wav     label: words with spaces
 *     aishell3        PART/wav/SSB0005/SSB00050001.wav                     label: 广 guang3 州 zhou1
 *     commonvoice-zh  clips/ID.mp3, a row of PART.tsv                      label: a sentence; the speaker before it: "c1\t你好。"
 *     thchs30         data_thchs30/PART/A11_0.wav, .trn files              label: three lines
 *
 * Assertions fail where a file cannot be written. Sounds are WAV whatever they are called.
 */
#ifndef TING_TESTS_CORPUS_H
#define TING_TESTS_CORPUS_H

#include <stddef.h>

typedef struct ting_mini_clip {
    const char *part, *id;
    const char *label;    /* as the layout has it; NULL: the corpus knows no such sound */
    const float *samples; /* [count] at 16 kHz; NULL: the sound is missing */
    size_t count;
} ting_mini_clip;

/* Adds a clip to the corpus in `folder`, which is made. */
void ting_mini_add(const char *corpus, const char *folder, const ting_mini_clip *clip);

/* Appends a text to a file below `folder`, both made where they are missing. */
void ting_mini_append(const char *folder, const char *name, const char *text);

#endif
