/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the caller's option structs, of any version, checked and completed. */
#ifndef TING_ENGINE_OPTIONS_H
#define TING_ENGINE_OPTIONS_H

#include "base/err.h"
#include "tingxie.h"

/* Copies what the caller's struct (NULL: nothing) has, over the defaults. Errors: argument, naming the
 * field and its range. */
ting_err ting_options_take(const ting_options *options, ting_options *out);
ting_err ting_explain_options_take(const ting_explain_options *options, ting_explain_options *out);
ting_err ting_lm_reader_options_take(const ting_lm_reader_options *options, ting_lm_reader_options *out);
ting_err ting_model_options_take(const ting_model_options *options, ting_model_options *out);

/* Acoustic hypotheses that a sentence is made of. */
int ting_options_width(const ting_options *options);

#endif
