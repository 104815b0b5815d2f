/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept.h - checkpoints that stay when the next one is written: `checkpoint-STEP` beside `checkpoint`, which they share
 * their bytes with until then.
 */
#ifndef TING_TRAIN_KEPT_H
#define TING_TRAIN_KEPT_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Keeps the folder's checkpoint, which is that of `step`: a second name for the file, or a copy where the file system
 * knows no such names. Of those up to `step` the last `keep` stay, older ones are removed. (Later ones come from a
 * training that went further from here before; it will replace them.) Errors: io, memory. */
ting_err ting_kept_add(const char *folder, int64_t step, int keep);

/* The steps of those kept, ascending, up to `last`. *steps is owned, free with ting_free. Errors: io, memory. */
ting_err ting_kept_steps(const char *folder, int64_t last, int64_t **steps, size_t *count);

/* Owned, free with ting_free; NULL when out of memory. */
char *ting_kept_path(const char *folder, int64_t step);

#endif
