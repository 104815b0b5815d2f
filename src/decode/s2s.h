/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s2s.h - syllables to ranked lines of hanzi with an encoder-decoder: beam search.
 *
 * With a limit (EXACT, TONELESS) a line has one character for each syllable, and the character at place t is one that
 * syllable t allows. With FREE the network decides, also where the line ends, unless lines shall be aligned; 2 n + 8
 * characters are the most. Each step runs the decoder over the whole beginnings: nothing is cached, lines are sentences.
 */
#ifndef TING_DECODE_S2S_H
#define TING_DECODE_S2S_H

#include "decode/p2h.h"

/* Syllables read at once. The decoder runs over whole beginnings, so time and memory grow faster than the length; a longer
 * sequence is read in pieces of equal length that do not see each other, and its lines are the best sums of theirs (each
 * piece of a FREE line ends by itself). */
enum { TING_S2S_PIECE = 128 };

/* As ting_p2h_decode, for a model with an encoder-decoder; beam max(nbest, 4). */
ting_err ting_s2s_search(const ting_p2h_model *model, const ting_kern *kern, ting_pool *pool, ting_arena *arena,
                         const ting_p2h_options *options, const ting_p2h_input *inputs, int input_count,
                         ting_p2h_page *out);

/* Best character of each place of many sequences at once, beam 1: for measuring while training. ids [T] in, characters [T]
 * out; -1 where a syllable has no character. The tables' EXACT choices limit. Runs in ctx (no tape). */
ting_err ting_s2s_greedy(ting_ctx *ctx, const ting_p2h_model *model, const int *ids, ting_segments segments, int *characters);

#endif
