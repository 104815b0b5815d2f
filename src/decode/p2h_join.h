/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_join.h - all that was heard of one sentence -> a confusion network of its syllables (confusion.h), and at each place of it the
 * characters of all syllables that may have been said there, with what sound and pinyin-to-hanzi network say of them.
 *
 * Only what may matter is read by the network:
 *
 *     the likeliest sequence                                   read whole
 *     glance: the other syllables of each place, with guesses of what the network would say of them; a narrow search with the
 *             language model; a syllable that no good beginning of a line has a few places later is given up
 *     what is left: put into copies of the likeliest sequence, several into one, two places apart or more, since the network judges a
 *             syllable mostly by those next to it; where the likeliest sequence has others beside it, or nothing, into a copy of the
 *             sequence that it is from
 */
#ifndef TING_DECODE_P2H_JOIN_H
#define TING_DECODE_P2H_JOIN_H

#include "decode/p2h.h"
#include "decode/p2h_read.h"

/* input_count >= 1; options->lm is not NULL. network and places [network->count] live in the arena. Errors: those of the reader. */
ting_err ting_p2h_join(const ting_p2h_reader *reader, const ting_p2h_options *options, const ting_p2h_input *inputs, int input_count,
                       ting_confusion *network, ting_p2h_place **places);

#endif
