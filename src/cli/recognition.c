/* SPDX-License-Identifier: Apache-2.0 */
/* recognition.c - see recognition.h. */
#include "cli/recognition.h"

#include "engine/tool_model.h"

void ting_recognition_fill_model(const ting_recognition_fields *f, ting_cli *cli, ting_model_options *out)
{
    ting_model_options_defaults(out, sizeof *out);
    out->precision = (ting_precision)f->precision;
    out->lm = f->lm;
    out->lm_weight = f->lm_weight;
    out->rescore_lm = f->rescore_lm;
    out->rescore_weight = f->rescore_weight;
    out->rescore_lines = f->rescore_lines;
    out->log = ting_cli_remark;
    out->log_self = cli;
}

void ting_recognition_fill(const ting_recognition_fields *f, ting_options *out)
{
    ting_options_defaults(out, sizeof *out);
    out->beam = f->beam;
    out->head = (ting_head)f->head;
    out->blank_penalty = f->blank_penalty;
    out->skip_blank = f->skip_blank;
    out->ctc_weight = f->ctc_weight;
    out->reverse_weight = f->reverse_weight;
    out->fuse_weight = f->fuse_weight;
    out->fuse_bonus = f->fuse_bonus;
    out->lodr_weight = f->lodr_weight;
    out->constrained = f->constrained;
    out->pause = f->pause;
    out->whole = f->whole;
    out->channel = f->channel;
    out->raw = f->raw;
    out->threads = f->threads;
}

ting_err ting_recognition_open(const ting_recognition_fields *f, const ting_model *model, ting_options *options,
                               ting_recognition_files *files)
{
    ting_err err = TING_OK;
    if (f->fuse_lm != NULL)
        TRY(ting_lm_open(f->fuse_lm, &files->fuse_lm));
    if (f->lodr != NULL)
        TRY(ting_lm_open(f->lodr, &files->lodr_lm));
    options->fuse_lm = files->fuse_lm;
    options->lodr_lm = files->lodr_lm;
    if (files->fuse_lm != NULL || options->head != TING_HEAD_AUTO)
        TRY(ting_tool_model_decodes(model, options));
    if (f->hotwords != NULL && options->hanzi != 0)
        TRY(ting_hotword_list_open(model, f->hotwords, f->hotword_weight, &files->hotwords));
    options->hotwords = files->hotwords;
out:
    return err;
}

void ting_recognition_close(ting_recognition_files *files)
{
    ting_hotword_list_free(files->hotwords);
    ting_lm_free(files->fuse_lm);
    ting_lm_free(files->lodr_lm);
}
