/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.c - see decoder.h. */
#include "engine/decoder.h"

#include "base/mem.h"
#include "decode/ctc_greedy.h"
#include "decode/ctc_prefix_beam.h"
#include "decode/transducer_beam.h"
#include "decode/transducer_greedy.h"
#include "engine/fuse.h"
#include "engine/rescorer.h"

typedef enum decoder_kind { TRANSDUCER_GREEDY, TRANSDUCER_BEAM, CTC_GREEDY, CTC_BEAM } decoder_kind;

struct ting_decoder {
    decoder_kind kind;
    const ting_am_net *net;
    union {
        ting_greedy *greedy;
        ting_beam *beam;
        ting_ctc_greedy *ctc_greedy;
        ting_ctc_beam *ctc_beam;
    };
    ting_fuse fuse;
    ting_rescorer *rescorer; /* of what prefix beam search finds; NULL: none */
    ting_decoded best;       /* of the greedy searches */
};

static ting_err open_search(ting_decoder *d, const ting_options *options)
{
    const ting_ctc_config *ctc = &d->net->config.ctc;
    const double penalty = options->blank_penalty;
    const ting_fusion *fusion = d->fuse.fusion.count > 0 ? &d->fuse.fusion : NULL;
    switch (d->kind) {
    case TRANSDUCER_GREEDY:
        return ting_greedy_new(d->net->transducer, &(ting_greedy_options){.blank_penalty = penalty}, &d->greedy);
    case TRANSDUCER_BEAM:
        return ting_beam_new(d->net->transducer,
                             &(ting_beam_options){.beam = options->beam, .blank_penalty = penalty, .fusion = fusion}, &d->beam);
    case CTC_GREEDY:
        return ting_ctc_greedy_new(&(ting_ctc_greedy_options){.vocab = ctc->vocab, .blank = ctc->blank, .blank_penalty = penalty},
                                   &d->ctc_greedy);
    case CTC_BEAM: break;
    }
    return ting_ctc_beam_new(&(ting_ctc_beam_options){.vocab = ctc->vocab, .blank = ctc->blank, .beam = options->beam,
                                                      .blank_penalty = penalty, .skip = options->skip_blank, .fusion = fusion},
                             &d->ctc_beam);
}

static ting_err open_rescorer(ting_decoder *d, const ting_options *options)
{
    if (d->net->attention == NULL)
        return ting_fail(TING_ERR_UNSUPPORTED, "hypotheses are rescored by an attention decoder, which this acoustic model lacks: "
                                               "decode with a beam, or greedily");
    return ting_rescorer_new(d->net->attention, &(ting_rescore_options){options->ctc_weight, options->reverse_weight}, &d->rescorer);
}

bool ting_decoder_takes_ctc(const ting_am_net *net, const ting_options *options)
{
    return net->transducer == NULL || options->head == TING_HEAD_CTC || options->decoding == TING_DECODING_RESCORE;
}

static ting_err choose(ting_decoder *d, const ting_options *options)
{
    ting_err err = TING_OK;
    const bool beam = options->decoding != TING_DECODING_GREEDY;
    if (options->head == TING_HEAD_CTC && d->net->config.ctc.vocab == 0)
        FAIL(TING_ERR_UNSUPPORTED, "this acoustic model has no CTC head, only a transducer");
    if (options->head == TING_HEAD_TRANSDUCER && d->net->transducer == NULL)
        FAIL(TING_ERR_UNSUPPORTED, "this acoustic model has no transducer, only a CTC head");
    if (ting_decoder_takes_ctc(d->net, options))
        d->kind = beam ? CTC_BEAM : CTC_GREEDY;
    else
        d->kind = beam ? TRANSDUCER_BEAM : TRANSDUCER_GREEDY;
out:
    return err;
}

/* All but the search itself. */
static void close_parts(ting_decoder *d)
{
    ting_rescorer_free(d->rescorer);
    ting_fuse_close(&d->fuse);
    ting_free(d);
}

ting_err ting_decoder_new(const ting_am *am, const ting_options *options, ting_decoder **out)
{
    ting_err err = TING_OK;
    *out = NULL;
    ting_decoder *d = ting_alloc(1, sizeof *d);
    if (d == NULL)
        return TING_ERR_MEMORY;
    d->net = am->net;
    if (options->decoding == TING_DECODING_RESCORE)
        TRY(open_rescorer(d, options));
    TRY(choose(d, options));
    TRY(ting_fuse_open(am, options, &d->fuse));
    TRY(open_search(d, options));
    *out = d;
    d = NULL;
out:
    if (d != NULL)
        close_parts(d);
    return err;
}

void ting_decoder_free(ting_decoder *d)
{
    if (d == NULL)
        return;
    switch (d->kind) {
    case TRANSDUCER_GREEDY: ting_greedy_free(d->greedy); break;
    case TRANSDUCER_BEAM: ting_beam_free(d->beam); break;
    case CTC_GREEDY: ting_ctc_greedy_free(d->ctc_greedy); break;
    case CTC_BEAM: ting_ctc_beam_free(d->ctc_beam); break;
    }
    close_parts(d);
}

void ting_decoder_reset(ting_decoder *d)
{
    switch (d->kind) {
    case TRANSDUCER_GREEDY: ting_greedy_reset(d->greedy); break;
    case TRANSDUCER_BEAM: ting_beam_reset(d->beam); break;
    case CTC_GREEDY: ting_ctc_greedy_reset(d->ctc_greedy); break;
    case CTC_BEAM: ting_ctc_beam_reset(d->ctc_beam); break;
    }
    if (d->rescorer != NULL)
        ting_rescorer_reset(d->rescorer);
}

void ting_decoder_cut(ting_decoder *d)
{
    switch (d->kind) {
    case TRANSDUCER_GREEDY: ting_greedy_cut(d->greedy); break;
    case TRANSDUCER_BEAM: ting_beam_cut(d->beam); break;
    case CTC_GREEDY: ting_ctc_greedy_cut(d->ctc_greedy); break;
    case CTC_BEAM: ting_ctc_beam_cut(d->ctc_beam); break;
    }
    if (d->rescorer != NULL)
        ting_rescorer_cut(d->rescorer);
}

ting_err ting_decoder_accept(ting_decoder *d, ting_ctx *ctx, ting_tensor rows)
{
    if (d->kind == TRANSDUCER_GREEDY)
        return ting_greedy_accept(d->greedy, ctx, rows);
    if (d->kind == TRANSDUCER_BEAM)
        return ting_beam_accept(d->beam, ctx, rows);
    const ting_arena_mark mark = ting_arena_tell(ctx->arena);
    ting_tensor logits = ting_ctc_head_logits(ctx, &d->net->ctc, rows);
    ting_ctx_check(ctx);
    ting_err err = ctx->err;
    if (err == TING_OK)
        err = d->kind == CTC_GREEDY ? ting_ctc_greedy_accept(d->ctc_greedy, ctx, logits)
                                    : ting_ctc_beam_accept(d->ctc_beam, ctx, logits);
    ting_arena_rewind(ctx->arena, mark);
    if (err == TING_OK && d->rescorer != NULL)
        err = ting_rescorer_hear(d->rescorer, ctx, rows);
    return err;
}

static ting_err rescored_results(ting_decoder *d, int most, const ting_decoded **out, int *count)
{
    ting_err err = TING_OK;
    const ting_decoded *found;
    TRY(ting_ctc_beam_results(d->ctc_beam, TING_CTC_BEAM_MOST, &found, count));
    TRY(ting_rescorer_order(d->rescorer, found, *count, out));
    *count = *count < most ? *count : most;
out:
    return err;
}

ting_err ting_decoder_results(ting_decoder *d, int most, const ting_decoded **out, int *count)
{
    if (d->rescorer != NULL && most > 1)
        return rescored_results(d, most, out, count);
    if (d->kind == TRANSDUCER_BEAM)
        return ting_beam_results(d->beam, most, out, count);
    if (d->kind == CTC_BEAM)
        return ting_ctc_beam_results(d->ctc_beam, most, out, count);
    d->best = d->kind == TRANSDUCER_GREEDY ? ting_greedy_result(d->greedy) : ting_ctc_greedy_result(d->ctc_greedy);
    *out = &d->best;
    *count = 1;
    return TING_OK;
}
