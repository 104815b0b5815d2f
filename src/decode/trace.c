/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - see trace.h. */
#include "decode/trace.h"

#include "base/mem.h"

enum { TIDY_FROM = 256 }; /* entries: fewer are not worth a walk */

ting_err ting_trace_add(ting_trace *trace, int before, ting_emission emission, int *out)
{
    if (ting_reserve(&trace->entries, (size_t)trace->count, 1, &trace->room, sizeof *trace->entries) != TING_OK)
        return TING_ERR_MEMORY;
    trace->entries[trace->count] = (ting_trace_entry){emission, before};
    *out = trace->count++;
    return TING_OK;
}

ting_err ting_trace_tidy(ting_trace *trace, int *const *ends, int count)
{
    if ((size_t)trace->count < trace->room || trace->count < TIDY_FROM)
        return TING_OK;
    int *place = ting_alloc((size_t)trace->count, sizeof *place); /* 1 + new index of the living */
    if (place == NULL)
        return TING_ERR_MEMORY;
    for (int i = 0; i < count; i++)
        for (int at = *ends[i]; at >= 0 && place[at] == 0; at = trace->entries[at].before)
            place[at] = 1;
    int kept = 0;
    for (int i = 0; i < trace->count; i++) { /* an entry stands behind the one before it */
        if (place[i] == 0)
            continue;
        ting_trace_entry entry = trace->entries[i];
        if (entry.before >= 0)
            entry.before = place[entry.before] - 1;
        trace->entries[kept++] = entry;
        place[i] = kept;
    }
    for (int i = 0; i < count; i++)
        if (*ends[i] >= 0)
            *ends[i] = place[*ends[i]] - 1;
    trace->count = kept;
    ting_free(place);
    return TING_OK;
}

int ting_trace_read(const ting_trace *trace, int end, int most, ting_emission *out)
{
    int length = 0;
    for (int at = end; at >= 0 && length < most; at = trace->entries[at].before)
        length++;
    for (int at = end, i = length - 1; i >= 0; at = trace->entries[at].before, i--)
        out[i] = trace->entries[at].emission;
    return length;
}

void ting_trace_clear(ting_trace *trace)
{
    trace->count = 0;
}

void ting_trace_free(ting_trace *trace)
{
    ting_free(trace->entries);
    *trace = (ting_trace){0};
}
