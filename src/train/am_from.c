/* SPDX-License-Identifier: Apache-2.0 */
/* am_from.c - see am_from.h. */
#include "train/am_from.h"

#include "model/schema.h"

#include <string.h>

enum { SAID = 5 };

static bool same_shape(const ting_param *p, const ting_stored *stored)
{
    int64_t mine[TING_MAX_DIMS], theirs[TING_MAX_DIMS];
    int m = 0, n = 0;
    for (int i = 0; i < p->dims; i++)
        if (p->shape[i] != 1)
            mine[m++] = p->shape[i];
    for (int i = 0; i < stored->dims; i++)
        if (stored->shape[i] != 1)
            theirs[n++] = stored->shape[i];
    bool same = m == n;
    for (int i = 0; same && i < m; i++)
        same = mine[i] == theirs[i];
    return same;
}

static bool copy(ting_param *p, const ting_source *source)
{
    ting_stored stored;
    if (source->find(source->self, p->name, &stored) != TING_OK || !same_shape(p, &stored))
        return false;
    const size_t count = ting_stored_elements(&stored);
    for (size_t i = 0; i < count; i++)
        p->t.data[i] = (ting_real)ting_stored_value(&stored, i);
    return true;
}

/* Whether a row of the parameter belongs to a token. */
static bool is_of_tokens(const char *name)
{
    static const char *const heads[] = {"ctc_output.", "decoder.embedding.", "joiner.output_linear.", "simple_am_proj.",
                                        "simple_lm_proj."};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (strncmp(name, heads[i], strlen(heads[i])) == 0)
            return true;
    return false;
}

static ting_err same_tokens(const ting_keys *keys, const ting_texts *mine, bool *out)
{
    ting_err err = TING_OK;
    ting_texts theirs = {0};
    TRY(ting_keys_texts(keys, TING_KEY_TOKENS, &theirs));
    *out = theirs.count == mine->count;
    for (size_t i = 0; *out && i < mine->count; i++)
        *out = strcmp(theirs.items[i], mine->items[i]) == 0;
out:
    ting_texts_free(&theirs);
    return err;
}

ting_err ting_am_from(ting_am_net *net, const ting_texts *tokens, const char *path, const ting_log *log)
{
    ting_err err = TING_OK;
    ting_gguf file = {0};
    ting_network am;
    int taken = 0, missing = 0;
    bool same;
    TRY(ting_gguf_open(path, &file));
    TRY(ting_network_find(&file, "am", &am));
    TRY(same_tokens(&am.keys, tokens, &same));
    if (!same)
        ting_log_write(log, TING_LOG_WARNING, "%s: it has other tokens: the heads start with random numbers", path);
    const ting_source source = ting_table_source(&am.tensors, path);
    const int count = ting_params_count(net->params);
    for (int i = 0; i < count; i++) {
        ting_param *p = ting_params_at(net->params, i);
        if (!same && is_of_tokens(p->name))
            continue;
        if (copy(p, &source))
            taken++;
        else if (missing++ < SAID)
            ting_log_write(log, TING_LOG_WARNING, "%s: %s is not there in this shape: it starts with random numbers",
                           path, p->name);
    }
    if (taken == 0)
        FAIL(TING_ERR_MODEL, "%s: none of its parameters fits the recipe's network", path);
    ting_log_write(log, TING_LOG_INFO, "%s: first weights of %d of %d parameters", path, taken, count);
out:
    ting_gguf_close(&file);
    return err;
}
