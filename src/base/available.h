/* SPDX-License-Identifier: Apache-2.0 */
/* available.h - how much memory this process may still take, and has taken. Linux; elsewhere nothing is known. */
#ifndef TING_BASE_AVAILABLE_H
#define TING_BASE_AVAILABLE_H

#include <stdint.h>

/* Bytes that can be had without swapping: MemAvailable, or less where a control group (version 1 or 2) that holds
 * this process leaves less; file pages that a group may drop count as free. UINT64_MAX: not known. root: "", or a
 * folder that /proc and /sys are looked up in. */
uint64_t ting_memory_available(const char *root);

/* The most memory that this process ever held at once, bytes; 0: not known. */
uint64_t ting_memory_peak(void);

#endif
