/* SPDX-License-Identifier: Apache-2.0 */
/* p2h_layout.h - the records of the corpus file that p2h_corpus.h describes, for its reader and its writer. */
#ifndef TING_DATA_P2H_LAYOUT_H
#define TING_DATA_P2H_LAYOUT_H

#include <stdint.h>

#define TING_P2H_LAYOUT_MAGIC "TINGP2H1"

enum { TING_P2H_LINE_MAX = 1024 }; /* tokens of one sentence */

typedef struct ting_p2h_layout_header {
    char magic[8];
    uint32_t syllables, characters, sources, zero;
    uint64_t readings, sentences, tokens, bytes;
} ting_p2h_layout_header;

typedef struct ting_p2h_layout_source {
    char name[48], licence[128];
    uint64_t first, kind;
} ting_p2h_layout_source;

#endif
