/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.h - finds and opens what text needs to become pinyin: the lexicon folder and the g2pM folder,
 * where the user says, else in the usual places (places.h): <place>/lexicon, <place>/g2pm.
 */
#ifndef TING_ENGINE_TABLES_H
#define TING_ENGINE_TABLES_H

#include "base/err.h"
#include "model/g2pm.h"
#include "text/lexicon.h"

/* Returns an owned lexicon, free with ting_lexicon_free. `first` [first_count]: tables added before the
 * folder's, so that their phrases and readings win. as_written keeps the sandhi that the phrase table has.
 * Errors: not found (naming the places); those of ting_lexicon_add. */
ting_err ting_tables_lexicon(const char *folder, const char *const *first, int first_count, bool as_written,
                             ting_lexicon **out);

/* Returns an owned model, free with ting_g2pm_free. Errors: not found (naming the places); those of
 * ting_g2pm_open. */
ting_err ting_tables_g2pm(const char *folder, ting_g2pm **out);

#endif
