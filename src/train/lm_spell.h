/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_spell.h - sentences in the tokens of an acoustic model, as its training spells them (data/label.h): words of a language model that
 * weighs them inside the acoustic search (engine/fuse.h).
 *
 *     "中国"  or its pinyin  ->  zh ōng g uó
 */
#ifndef TING_TRAIN_LM_SPELL_H
#define TING_TRAIN_LM_SPELL_H

#include "base/tsv.h"
#include "model/vocabulary.h"

typedef struct ting_lm_speller ting_lm_speller;

/* The tokens of a model: a file, or a folder with a public one. *words gets <unk>, <s>, </s> and the tokens, without blank and others in
 * angle brackets; free with ting_texts_free. Returns owned in *out, free with ting_lm_speller_free. Errors: io, format, model, not found
 * (no acoustic network, no lexicon), memory. */
ting_err ting_lm_speller_new(const char *model, ting_texts *words, ting_lm_speller **out);
void ting_lm_speller_free(ting_lm_speller *speller);

/* A sentence, of its pinyin if that is not empty; ids are words. out->plain holds the plain text, of which characters are counted. False
 * in *spelled: something in it has no reading or no token (Latin words, digits). Errors: memory. */
ting_err ting_lm_spell(ting_lm_speller *speller, ting_view text, ting_view pinyin, ting_cut *out, bool *spelled);

#endif
