/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - which keys make a GGUF file a Tingxie model: docs/FORMATS.md in C.
 *
 * One file holds several networks. Network N ("am", "p2h", "lm", "vad", "punc") has its keys under
 * "tingxie.N." and its tensors under "N.", the rest of a tensor's name being that of the published reference.
 *
 *     ting_network am;                                            ting_gguf_writer *writer = ting_gguf_writer_new();
 *     TRY(ting_network_find(&file, "am", &am));                   ting_schema_begin(writer, "name", networks, 1);
 *     if (strcmp(am.architecture, "zipformer2-transducer") == 0)  ting_gguf_put_text(writer, "tingxie.am.architecture", ...);
 *     TRY(ting_keys_integer(&am.keys, "decoder.dim", ...));       ting_gguf_put_tensor(writer, "am.encoder...", ...);
 *     source = ting_table_source(&am.tensors, path);              TRY(ting_gguf_save(writer, path));
 */
#ifndef TING_MODEL_SCHEMA_H
#define TING_MODEL_SCHEMA_H

#include "model/gguf.h"

enum { TING_SCHEMA_VERSION = 1, TING_NETWORK_NAME = 16 };

/* Keys under "tingxie.N.": text unless said otherwise. */
#define TING_KEY_ARCHITECTURE "architecture" /* which network.c reads the rest */
#define TING_KEY_LICENSE      "license"      /* of these weights, an SPDX expression */
#define TING_KEY_AUTHORS      "authors"
#define TING_KEY_SOURCE       "source"       /* where they come from: an address, a training command */
#define TING_KEY_TRAINING     "training"     /* record of the training: one JSON object */
#define TING_KEY_TOKENS       "tokens"       /* array of strings: output id to token */

/* A network of an opened file; borrows from it. Not to be copied: keys and tensors point into it. */
typedef struct ting_network {
    char key_prefix[TING_NETWORK_NAME + 16];
    char tensor_prefix[TING_NETWORK_NAME + 4];
    ting_keys keys;
    ting_table_view tensors;
    const char *architecture;
} ting_network;

/* The file must be a Tingxie model of a version known here. Errors: model. */
ting_err ting_schema_check(const ting_gguf *file);

/* Checks, and finds a network by name. Errors: not found (the sentence lists what is there), model. */
ting_err ting_network_find(const ting_gguf *file, const char *name, ting_network *out);
bool ting_network_has(const ting_gguf *file, const char *name);

/* Puts the keys and tensors of a network into another file, but for those called `except` (behind the prefix; ends with NULL; NULL: all).
 * The file must stay open until the writer is freed. Errors: those of ting_network_find, memory. */
ting_err ting_network_copy(const ting_gguf *file, const char *name, const char *const *except, ting_gguf_writer *writer);

/* Puts general.architecture, general.name, the version, and the list of networks. */
void ting_schema_begin(ting_gguf_writer *writer, const char *name, const char *const *networks,
                       size_t count);

#endif
