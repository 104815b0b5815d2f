/* SPDX-License-Identifier: Apache-2.0 */
/* tool_p2h.c - see tool_p2h.h. */
#include "train/tool_p2h.h"

#include "data/p2h_prepare.h"
#include "train/p2h_trainer.h"

ting_err ting_tool_p2h_prepare(const ting_tool_p2h_files *files, const ting_log *log, ting_tool_p2h_counts *counts)
{
    ting_p2h_counts made = {0};
    ting_err err = ting_p2h_prepare(&(ting_p2h_files){files->settings, files->output, files->base, files->lexicon}, log,
                                    &made);
    *counts = (ting_tool_p2h_counts){.sentences = made.sentences,
                                     .tokens = made.tokens,
                                     .excluded = made.excluded,
                                     .rare = made.rare,
                                     .readings = made.readings,
                                     .characters = made.characters,
                                     .syllables = made.syllables};
    return err;
}

ting_err ting_tool_p2h_train(const ting_tool_train_options *options)
{
    return ting_p2h_train(options);
}
