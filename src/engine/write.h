/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.h - one result structure, many writers: each appends a whole file's text to a ting_str.
 *
 * Subtitles (srt, vtt, lrc) show cues: sentences, the long ones cut at their longest pauses so that a
 * cue fits on the screen. All times are rounded to the unit of the format, and never run backwards.
 */
#ifndef TING_ENGINE_WRITE_H
#define TING_ENGINE_WRITE_H

#include "base/str.h"
#include "tingxie.h"

void ting_write_txt(ting_str *out, const ting_result *result, const char *name);
void ting_write_json(ting_str *out, const ting_result *result, const char *name);
void ting_write_srt(ting_str *out, const ting_result *result, const char *name);
void ting_write_vtt(ting_str *out, const ting_result *result, const char *name);
void ting_write_lrc(ting_str *out, const ting_result *result, const char *name);
void ting_write_tsv(ting_str *out, const ting_result *result, const char *name);
void ting_write_ctm(ting_str *out, const ting_result *result, const char *name);
void ting_write_textgrid(ting_str *out, const ting_result *result, const char *name);
void ting_write_slf(ting_str *out, const ting_result *result, const char *name);

/* Characters first .. first + count - 1 of a sentence, to be shown together. */
typedef struct ting_cue {
    const ting_sentence *sentence;
    int first, count;
    double start, end;
} ting_cue;

/* Calls see(self, cue) for each cue in order. */
void ting_each_cue(const ting_result *result, void (*see)(void *self, const ting_cue *cue), void *self);

/* Appends the text of a cue; with `xml`, escaped. Line breaks become spaces. */
void ting_str_add_cue(ting_str *out, const ting_cue *cue, int xml);

/* Whole milliseconds of a time in seconds, never negative. */
long long ting_milliseconds(double seconds);

#endif
