/* SPDX-License-Identifier: Apache-2.0 */
/* search.c - the decoders of a transducer behind one interface; see search.h. */
#include "engine/search.h"

#include "base/mem.h"
#include "decode/transducer_greedy.h"

struct ting_search {
    ting_greedy *greedy;
    double row_seconds;
    ting_hit *hits; /* [room] of all hypotheses that were asked for, one after the other */
    int room;
    ting_heard *heard; /* [heard_room] */
    int heard_room;
};

ting_err ting_search_new(const ting_am *am, const ting_options *options, double row_seconds, ting_search **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    (void)options;
    ting_search *s = ting_alloc(1, sizeof *s);
    if (s == NULL)
        return TING_ERR_MEMORY;
    s->row_seconds = row_seconds;
    s->heard_room = 1;
    s->heard = ting_alloc((size_t)s->heard_room, sizeof *s->heard);
    if (s->heard == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for a search");
    TRY(ting_greedy_new(am->transducer, &(ting_greedy_options){0}, &s->greedy));
    *out = s;
    s = NULL;
out:
    ting_search_free(s);
    return err;
}

void ting_search_free(ting_search *s)
{
    if (s == NULL)
        return;
    ting_greedy_free(s->greedy);
    ting_free(s->hits);
    ting_free(s->heard);
    ting_free(s);
}

void ting_search_reset(ting_search *s)
{
    ting_greedy_reset(s->greedy);
}

ting_err ting_search_take(ting_search *s, ting_ctx *ctx, ting_tensor rows)
{
    return ting_greedy_accept(s->greedy, ctx, rows);
}

int ting_search_best(const ting_search *s, double *first, double *last, int *last_token)
{
    ting_decoded best = ting_greedy_result(s->greedy);
    if (best.count == 0)
        return 0;
    *first = (double)best.emissions[0].row * s->row_seconds;
    *last = (double)(best.emissions[best.count - 1].row + 1) * s->row_seconds;
    *last_token = best.emissions[best.count - 1].token;
    return best.count;
}

static ting_err make_room(ting_search *s, int count)
{
    if (count <= s->room)
        return TING_OK;
    int room = count > s->room * 2 ? count : s->room * 2;
    ting_hit *grown = ting_grow(s->hits, (size_t)s->room, (size_t)room, sizeof *grown);
    if (grown == NULL)
        return TING_ERR_MEMORY;
    s->hits = grown;
    s->room = room;
    return TING_OK;
}

ting_err ting_search_hypotheses(ting_search *s, int room, const ting_heard **out, int *count)
{
    ting_err err = TING_OK;
    (void)room;
    ting_decoded best = ting_greedy_result(s->greedy);
    TRY(make_room(s, best.count));
    for (int i = 0; i < best.count; i++) {
        const ting_emission *e = &best.emissions[i];
        s->hits[i] = (ting_hit){e->token, (double)e->row * s->row_seconds, (double)(e->row + 1) * s->row_seconds,
                                e->log_prob};
    }
    s->heard[0] = (ting_heard){s->hits, best.count, best.log_prob};
    *out = s->heard;
    *count = 1;
out:
    return err;
}

void ting_search_cut(ting_search *s)
{
    ting_greedy_cut(s->greedy);
}
