/* SPDX-License-Identifier: Apache-2.0 */
/* resample.c - see resample.h. */
#include "audio/resample.h"

#include "base/mem.h"

#include <soxr.h>
#include <string.h>

struct ting_resampler {
    soxr_t soxr;
    int from, to;
    long long taken, given;
};

ting_err ting_resampler_new(int from, int to, ting_resampler **out)
{
    ting_err err = TING_OK;
    soxr_error_t reason = NULL;
    ting_resampler *resampler = ting_alloc(1, sizeof *resampler);
    *out = NULL;
    if (resampler == NULL)
        return TING_ERR_MEMORY;
    resampler->from = from;
    resampler->to = to;
    soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    resampler->soxr = soxr_create(from, to, 1, &reason, &io, &quality, &runtime);
    if (resampler->soxr == NULL || reason != NULL)
        FAIL(TING_ERR_MEMORY, "resampling from %d to %d Hz cannot be set up: %s", from, to,
             reason != NULL ? reason : "out of memory");
    *out = resampler;
out:
    if (err != TING_OK)
        ting_resampler_free(resampler);
    return err;
}

void ting_resampler_free(ting_resampler *resampler)
{
    if (resampler == NULL)
        return;
    soxr_delete(resampler->soxr);
    ting_free(resampler);
}

long long ting_resampled_length(long long count, int from, int to)
{
    long long whole = count / from, rest = count % from; /* count * to may overflow */
    return whole * to + (2 * rest * to + from) / (2 * (long long)from);
}

static ting_err process(ting_resampler *resampler, const float *in, size_t count, size_t *used,
                        float *out, size_t room, size_t *made)
{
    soxr_error_t reason = soxr_process(resampler->soxr, in, count, used, out, room, made);
    if (reason != NULL)
        return ting_fail(TING_ERR_INTERNAL, "resampling failed: %s", reason);
    return TING_OK;
}

ting_err ting_resampler_run(ting_resampler *resampler, const float *in, size_t count, size_t *used,
                            float *out, size_t room, size_t *made)
{
    ting_err err = process(resampler, in, count, used, out, room, made);
    resampler->taken += (long long)*used;
    resampler->given += (long long)*made;
    return err;
}

/* soxr rounds the length as the rule does; the rule is enforced all the same, with zeros or by cutting. */
ting_err ting_resampler_finish(ting_resampler *resampler, float *out, size_t room, size_t *made)
{
    ting_err err = TING_OK;
    long long missing =
        ting_resampled_length(resampler->taken, resampler->from, resampler->to) - resampler->given;
    *made = 0;
    if (missing <= 0)
        return TING_OK;
    if (missing < (long long)room)
        room = (size_t)missing;
    TRY(process(resampler, NULL, 0, NULL, out, room, made));
    if (*made < room)
        memset(out + *made, 0, (room - *made) * sizeof *out);
    *made = room;
    resampler->given += (long long)room;
out:
    return err;
}
