/* SPDX-License-Identifier: Apache-2.0 */
/* spell.h - a syllable -> the tokens in which a model's heads say it: "zhong1" -> zh ōng, or zhōng, as its token table has it. */
#ifndef TING_ENGINE_SPELL_H
#define TING_ENGINE_SPELL_H

#include "decode/align_graph.h"
#include "engine/am.h"

/* syllable: an id of text/pinyin.h. count 0: the heads lack one of the tokens. */
ting_align_path ting_spell(const ting_am *am, int syllable);

#endif
