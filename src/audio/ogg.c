/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ogg.c - a look at the pages of an Ogg file (RFC 3533), without decoding: libsndfile reads the first of several streams that
 * stand one after the other and takes a file that was cut off for a shorter one, both without a word.
 *
 * A page: "OggS", version, flags (2 begins a stream, 4 ends one), .. up to byte 26, which counts the lengths that follow; their
 * sum is the size of the body.
 */
#include "audio/source.h"

#include <string.h>

enum { HEAD = 27, FLAGS = 5, SEGMENTS = 26, BEGINS = 2, ENDS = 4 };

typedef struct page {
    int flags;
    int64_t size; /* with header; 0: there is none here */
} page;

static ting_err read_page(ting_input *input, int64_t at, page *out)
{
    ting_err err = TING_OK;
    unsigned char head[HEAD + 255];
    size_t count = 0;
    *out = (page){0};
    TRY(ting_input_seek(input, at));
    TRY(ting_input_read(input, head, HEAD, &count));
    if (count < HEAD || memcmp(head, "OggS", 4) != 0)
        goto out;
    TRY(ting_input_read(input, head + HEAD, head[SEGMENTS], &count));
    out->flags = head[FLAGS];
    out->size = HEAD + head[SEGMENTS];
    for (size_t i = 0; i < count; i++)
        out->size += head[HEAD + i];
    if (count < head[SEGMENTS])
        out->size = input->size - at + 1; /* more than there is */
out:
    return err;
}

ting_err ting_ogg_survey(ting_input *input, bool *chained, bool *cut)
{
    ting_err err = TING_OK;
    bool sound = false, ended = true; /* a page that begins nothing was seen; the last page ends a stream */
    int64_t at = 0;
    *chained = *cut = false;
    if (input->peeked < HEAD || memcmp(input->peek, "OggS", 4) != 0)
        goto out;
    while (at < input->size) {
        page next;
        TRY(read_page(input, at, &next));
        if (next.size == 0)
            break;
        *chained |= sound && (next.flags & BEGINS) != 0;
        sound |= (next.flags & BEGINS) == 0;
        ended = (next.flags & ENDS) != 0;
        at += next.size;
    }
    *cut = !*chained && (at > input->size || !ended);
out:
    return err;
}
