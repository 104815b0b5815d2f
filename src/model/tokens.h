/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens.h - tokens.txt of icefall and WeNet: lines "token id", ids 0 .. n - 1, each once. Tokens are UTF-8 and not
 * empty; blank lines are passed over.
 */
#ifndef TING_MODEL_TOKENS_H
#define TING_MODEL_TOKENS_H

#include "model/gguf.h"

#include <string.h>

/* Whether a token stands in angle brackets, as <blk>, <unk> and <sos/eos> do: it is never said. */
static inline bool ting_token_is_special(const char *token)
{
    const size_t length = strlen(token);
    return length > 2 && token[0] == '<' && token[length - 1] == '>';
}

/* The token of each id; free with ting_texts_free. Errors: io, format (with the line), memory. */
ting_err ting_tokens_read(const char *path, ting_texts *out);
ting_err ting_tokens_parse(const char *label, const void *bytes, size_t size, ting_texts *out);

/* Writes such a file, in place of what stands there. Errors: io, memory. */
ting_err ting_tokens_save(const char *path, const ting_texts *tokens);

#endif
