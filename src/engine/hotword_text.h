/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotword_text.h - a list of words as people write it -> hotwords (decode/hotwords.h) in the syllables of a pinyin-to-hanzi network.
 *
 *     王俊凯
 *     拼多多 :2                 likelier than the others: added to its log-probability
 *     iPhone ai4 feng1          what is no hanzi needs its pinyin
 *     曾国藩 :3 zeng1 guo2 fan1
 *
 * A word a line; empty lines and those that begin with "# " are passed over, as is a byte order mark. Without pinyin the hanzi are read
 * by the lexicon; those with several readings in use may have each of them. A word with a character for each syllable is written character
 * by character; of any other the first syllable carries the whole.
 */
#ifndef TING_ENGINE_HOTWORD_TEXT_H
#define TING_ENGINE_HOTWORD_TEXT_H

#include "base/log.h"
#include "decode/hotwords.h"
#include "engine/hanzi_p2h.h"
#include "tingxie.h"

struct ting_hotword_list { /* ting_hotword_list of tingxie.h */
    const ting_hanzi_p2h *p2h; /* whose syllables they are */
    ting_hotwords *hotwords;
    char **parts; /* of all words, one after the other: what each syllable writes, "" for nothing */
    size_t part_count, part_room;
    int *first; /* [words] of each in parts */
};

/* What ting_hotword_list_read does, without a model; label: what errors and remarks call the text. Borrows p2h. Returns owned in *out. */
ting_err ting_hotword_list_parse(const char *label, const char *text, size_t size, const ting_hanzi_p2h *p2h, double weight,
                                 const ting_log *log, ting_hotword_list **out);

/* What syllable `part` of word `number` writes; borrowed. */
const char *ting_hotword_list_part(const ting_hotword_list *list, int number, int part);

#endif
