/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deal.h - the items of a batch to those who work on it together, each about the same length in all.
 *
 * The longest item first, each to the one who has least so far (Graham 1969, LPT: at most a third above the best). Who
 * gets what is a function of the lengths and the number of parts alone.
 */
#ifndef TING_DATA_DEAL_H
#define TING_DATA_DEAL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ting_share { /* {0}: everything */
    int part, parts;        /* 0 <= part < parts, or parts 0 */
} ting_share;

/* owner[i] < parts for each of `count` items; with fewer items than parts some parts stay empty. Errors: memory. */
ting_err ting_deal(const uint32_t *lengths, size_t count, int parts, int *owner);

#endif
