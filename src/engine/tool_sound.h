/* SPDX-License-Identifier: Apache-2.0 */
/* tool_sound.h - sound files for programs: several joined into one, checks (tool: see docs/LAYERS.md). */
#ifndef TING_ENGINE_TOOL_SOUND_H
#define TING_ENGINE_TOOL_SOUND_H

#include "base/err.h"

/* Writes all recordings one after the other as a WAV file, 16 kHz, one channel, 16 bits; *seconds is its
 * length. Errors: those of reading any of them, io, argument (more than 4 GB). */
ting_err ting_tool_join(const char *const *paths, int count, const char *out, double *seconds);

/* Whether `raw` describes headerless sound, such as s16le:16000:1. Errors: argument. */
ting_err ting_tool_check_raw(const char *raw);

#endif
