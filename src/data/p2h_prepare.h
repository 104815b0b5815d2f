/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p2h_prepare.h - text files to a corpus, as a settings file says.
 *
 *     cut: 2                          characters seen less often are left out
 *     exclude:                        texts never to train on, beside those of the `measure` sources
 *       - file: speech/manifest.tsv   a table with a header line
 *         column: text
 *         where: split                optional: only rows whose column `where` ...
 *         is: dev                     ... says this
 *     sources:
 *       - name: cv-wiki
 *         file: train/cv-wiki.txt.xz
 *         licence: CC0-1.0
 *         format: text                text: a line of hanzi; pairs: a table with columns pinyin and text;
 *                                     words: the first column is the text; phrases: text and pinyin, no header
 *         leave_every: 500            lines 500, 1000, ... are left out
 *         pinyin_column: 2            of pairs without a header line, with text_column; columns count from 1
 *         drop_last: 2000             the last lines are left out
 *         only_last: 2000             only the last lines are taken
 *         measure: false              held out for measuring
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
