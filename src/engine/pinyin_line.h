/* SPDX-License-Identifier: Apache-2.0 */
/* pinyin_line.h - a line of pinyin to lines of hanzi: ting_write_pinyin of tingxie.h, and what it shares with tool_hanzi.h. */
#ifndef TING_ENGINE_PINYIN_LINE_H
#define TING_ENGINE_PINYIN_LINE_H

#include "engine/hanzi_p2h.h"

/* Syllables in numbered, marked or plain notation (no digit and no mark: neutral), separated by spaces -> up to nbest lines, in the
 * arena. Errors: format (the word that is no syllable, by its place), memory, numeric. */
ting_err ting_pinyin_line_write(ting_hanzi_p2h_use *use, const char *line, size_t length, int nbest, ting_arena *arena,
                                ting_hanzi_page *out);

#endif
