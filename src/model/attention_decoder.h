/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention_decoder.h - the attention decoder of a hybrid CTC/attention network (Watanabe 2017; WeNet's
 * TransformerDecoder and the BiTransformerDecoder of U2++, Wu 2021): what would a line of tokens cost, given the encoder's rows?
 *
 *     tokens [n], `begin` first -> embedding x sqrt(width) + sinusoid -> layers, each place seeing those before it and all
 *     rows of its utterance -> layer norm -> logits [n, vocab] of the next token, `end` after the last
 *
 * A second decoder reads each line from its end. Batches are ragged: a segment is a line, and several lines may look at the
 * rows of one utterance, so that the hypotheses of many utterances are one call. Layers are those of transformer.h, the
 * norm before each part. Parameters below a prefix have WeNet's names: embed.0.weight, decoders.N.self_attn.linear_q ...,
 * after_norm, output_layer; with a second decoder those of left_decoder.* and right_decoder.*
 *
 *     ting_attention_lines lines = ting_attention_lines_make(ctx, decoder, TING_FORWARD, tokens, segments);
 *     logits = ting_attention_logits(ctx, decoder, TING_FORWARD, memory, memory_segments, &lines, of_memory);
 *
 * docs/models/attention-decoder.md
 */
#ifndef TING_MODEL_ATTENTION_DECODER_H
#define TING_MODEL_ATTENTION_DECODER_H

#include "nn/ctx.h"
#include "nn/param.h"

enum { TING_ATTENTION_MOST_LAYERS = 64 };

typedef struct ting_attention_config {
    int vocab;          /* tokens; 0: there is no such decoder */
    int begin, end;     /* WeNet's sos and eos; may be the same */
    int width;          /* columns of the encoder's rows */
    int heads;          /* they divide the width */
    int feedforward;    /* columns between the two linear maps */
    int layers;         /* reading from the first token to the last */
    int reverse_layers; /* reading from the last to the first; 0: there is no such decoder */
    ting_act act;
    ting_real dropout, position_dropout; /* in training: of each part, of what goes into the first layer */
} ting_attention_config;

typedef struct ting_attention_decoder ting_attention_decoder;

/* Errors: model, naming the setting that cannot be. */
ting_err ting_attention_decoder_check(const ting_attention_config *config);

/* Declares the parameters in `params`, which must outlive the decoder; they start as transformer.h says. Returns owned in
 * *out, free with ting_attention_decoder_free. Errors: model, memory. */
ting_err ting_attention_decoder_new(const ting_attention_config *config, const char *prefix, ting_params *params,
                                    ting_attention_decoder **out);
void ting_attention_decoder_free(ting_attention_decoder *decoder);
const ting_attention_config *ting_attention_decoder_settings(const ting_attention_decoder *decoder);

typedef enum ting_direction { TING_FORWARD, TING_BACKWARD } ting_direction; /* from the first token, from the last */

typedef struct ting_attention_lines { /* in the context's arena */
    ting_segments segments;           /* a row more than tokens in each line */
    const int *in;                    /* `begin`, then the tokens */
    const int *targets;               /* the tokens, then `end` */
} ting_attention_lines;

/* tokens [n] of all lines as a direction reads them; copies. Failures are sticky. */
ting_attention_lines ting_attention_lines_make(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_direction direction,
                                               const int *tokens, ting_segments segments);

/* memory [M, width]; line s looks at segment of_memory[s] of it (NULL: at its own number) -> logits [rows of lines, vocab].
 * Failures are sticky: a token that is none, a direction that the decoder lacks (internal), memory. */
ting_tensor ting_attention_logits(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_direction direction,
                                  ting_tensor memory, ting_segments memory_segments, const ting_attention_lines *lines,
                                  const int *of_memory);

/* ---- one token after the other, for a search ---- */

/* Hypotheses side by side, each with the keys and values of its tokens so far. One thread. */
typedef struct ting_attention_steps ting_attention_steps;

/* Begins with an empty hypothesis for each segment of the memory, of which it keeps what it needs. Room for `most` hypotheses
 * of `longest` tokens, `begin` counted. Returns owned in *out, free with ting_attention_steps_free; borrows the decoder. The
 * context has no tape; its arena is rewound. Errors: argument (sizes), memory; sticky ones of the context. */
ting_err ting_attention_steps_new(ting_ctx *ctx, const ting_attention_decoder *decoder, ting_direction direction,
                                  ting_tensor memory, ting_segments memory_segments, int most, int longest,
                                  ting_attention_steps **out);
void ting_attention_steps_free(ting_attention_steps *steps);

/* Hypothesis i becomes what hypothesis parents[i] was (NULL: i itself), with tokens[i] behind it, `begin` in the first step
 * -> logits [count, vocab], in the arena: the same as those of ting_attention_logits for the last rows. Failures are
 * sticky: no room (argument), a token or parent that is none (internal). */
ting_tensor ting_attention_steps_take(ting_ctx *ctx, ting_attention_steps *steps, const int *tokens, const int *parents,
                                      int count);

#endif
