/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_prepare.h - text files to a corpus, as a settings file says.
 *
 *     cut: 2                          characters seen less often are left out
 *     exclude: [...]                  texts never to train on, beside those of the `measure` sources
 *     sources: [...]                  both as data/text_source.h describes them
 *
 * Paths are relative to `base`. Text without pinyin gets it from the lexicon (text/g2p.h). Lines with anything but
 * known hanzi, or whose pinyin has another length, are counted and skipped.
 */
#ifndef TING_DATA_P2H_PREPARE_H
#define TING_DATA_P2H_PREPARE_H

#include "base/log.h"
#include "data/p2h_corpus.h"
#include "tingxie_train.h" /* ting_p2h_files */

/* Errors: io, format, memory. */
ting_err ting_p2h_prepare(const ting_p2h_files *files, const ting_log *log, ting_p2h_counts *counts);

#endif
