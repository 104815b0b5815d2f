/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - the emissions of many hypotheses as a tree: each entry knows the one before it, so hypotheses share their
 * common past. Entries that no living hypothesis reaches are dropped now and then.
 */
#ifndef TING_DECODE_TRACE_H
#define TING_DECODE_TRACE_H

#include "base/err.h"
#include "decode/decoded.h"

typedef struct ting_trace_entry {
    ting_emission emission;
    int before; /* index, or -1 */
} ting_trace_entry;

typedef struct ting_trace { /* start with {0} */
    ting_trace_entry *entries;
    int count;
    size_t room;
} ting_trace;

/* Appends an entry; its index to *out. Errors: memory. */
ting_err ting_trace_add(ting_trace *trace, int before, ting_emission emission, int *out);

/* When the tree has outgrown its memory: drops what none of the `count` ends reaches, and renumbers them. Errors:
 * memory. */
ting_err ting_trace_tidy(ting_trace *trace, int *const *ends, int count);

/* The last `most` emissions that end at `end`, in order, to out[most]; returns how many there are. */
int ting_trace_read(const ting_trace *trace, int end, int most, ting_emission *out);

void ting_trace_clear(ting_trace *trace); /* keeps the memory */
void ting_trace_free(ting_trace *trace);

#endif
