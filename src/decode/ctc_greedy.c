/* SPDX-License-Identifier: Apache-2.0 */
/* ctc_greedy.c - see ctc_greedy.h. */
#include "decode/ctc_greedy.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>

struct ting_ctc_greedy {
    int blank;
    int last; /* class of the row before; -1 at the start */
    ting_emission *emissions;
    int count;
    size_t room;
    double log_prob;
    long rows;
};

ting_err ting_ctc_greedy_new(int blank, ting_ctc_greedy **out)
{
    *out = ting_alloc(1, sizeof **out);
    if (*out == NULL)
        return TING_ERR_MEMORY;
    (*out)->blank = blank;
    ting_ctc_greedy_reset(*out);
    return TING_OK;
}

void ting_ctc_greedy_free(ting_ctc_greedy *search)
{
    if (search == NULL)
        return;
    ting_free(search->emissions);
    ting_free(search);
}

void ting_ctc_greedy_cut(ting_ctc_greedy *search)
{
    search->count = 0;
    search->log_prob = 0;
}

void ting_ctc_greedy_reset(ting_ctc_greedy *search)
{
    ting_ctc_greedy_cut(search);
    search->last = -1;
    search->rows = 0;
}

/* The likeliest class, of equal ones the first; -1 when one is not a number. */
static int best_of(const ting_real *row, int count)
{
    int best = 0;
    bool numbers = true;
    for (int v = 0; v < count; v++) {
        numbers = numbers && !isnan(row[v]);
        if (row[v] > row[best])
            best = v;
    }
    return numbers ? best : -1;
}

static ting_err one_row(ting_ctc_greedy *search, const ting_real *row, int classes)
{
    ting_err err = TING_OK;
    const int best = best_of(row, classes);
    if (best < 0 || !isfinite((double)row[best]))
        FAIL(TING_ERR_NUMERIC, "the log-probabilities of row %ld are not finite", search->rows);
    const double log_prob = (double)row[best];
    if (best != search->blank && best != search->last) {
        TRY(ting_reserve(&search->emissions, (size_t)search->count, 1, &search->room, sizeof *search->emissions));
        search->emissions[search->count++] = (ting_emission){best, search->rows, log_prob};
    } else if (best != search->blank && search->count > 0) {
        ting_emission *run = &search->emissions[search->count - 1];
        run->log_prob = log_prob > run->log_prob ? log_prob : run->log_prob;
    }
    search->last = best;
    search->log_prob += log_prob;
    search->rows++;
out:
    return err;
}

ting_err ting_ctc_greedy_accept(ting_ctc_greedy *search, ting_tensor log_probs)
{
    ting_err err = TING_OK;
    if (search->blank < 0 || search->blank >= log_probs.cols)
        FAIL(TING_ERR_ARGUMENT, "blank is class %d, the rows have %d", search->blank, log_probs.cols);
    for (int t = 0; t < log_probs.rows; t++)
        TRY(one_row(search, ting_row(log_probs, t), log_probs.cols));
out:
    return err;
}

ting_decoded ting_ctc_greedy_result(const ting_ctc_greedy *search)
{
    return (ting_decoded){search->emissions, search->count, search->log_prob};
}
