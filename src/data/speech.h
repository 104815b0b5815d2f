/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speech.h - the utterances that an acoustic network learns from or is measured on: manifests -> items with tokens and
 * length, and their sound.
 *
 *     TRY(ting_speech_new(&options, &speech));
 *     TRY(ting_speech_add(speech, manifest, "aishell train"));     one call a source, in order
 *     ting_speech_items(speech, &count);
 *     TRY(ting_speech_load(speech, item, &sound));                any thread
 *
 * Utterances that cannot be used (no sound, labels without tokens, too long or too short) are said and left out, the others
 * stay. Sound is decoded once and kept as 16-bit samples as far as the memory for it reaches.
 */
#ifndef TING_DATA_SPEECH_H
#define TING_DATA_SPEECH_H

#include "base/log.h"
#include "data/augment.h"
#include "data/label.h"
#include "data/manifest.h"

typedef struct ting_speech_item {
    const ting_clip *clip;
    uint32_t samples; /* 16 kHz; as the manifest or the file's header says */
    bool labelled;
    uint32_t label_count; /* 0 when not labelled */
    size_t label;         /* first one in ting_speech_labels */
} ting_speech_item;

typedef struct ting_speech_options {
    double shortest, longest; /* seconds; others are left out */
    bool unlabelled_too; /* keep utterances without text or pinyin, or with text that has no tokens: for a teacher */
    size_t memory;       /* bytes for decoded sound */
    ting_labeller *labeller; /* borrowed; NULL: nothing is labelled */
    const ting_log *log;     /* borrowed */
    int (*stop)(void *self); /* asked now and then while utterances are added: 1 ends that. NULL: never */
    void *self;
} ting_speech_options;

typedef struct ting_speech ting_speech;

/* Returns owned in *out, free with ting_speech_free. Errors: memory. */
ting_err ting_speech_new(const ting_speech_options *options, ting_speech **out);
void ting_speech_free(ting_speech *speech);

/* Appends what the manifest holds, which is borrowed until the speech is freed. `name` stands for it in remarks, which name
 * the first few utterances left out and the number of all. Errors: memory; cancelled; argument, when nothing usable is
 * in it. */
ting_err ting_speech_add(ting_speech *speech, const ting_manifest *manifest, const char *name);

/* Borrow until the next add. */
const ting_speech_item *ting_speech_items(const ting_speech *speech, size_t *count);
const int *ting_speech_labels(const ting_speech *speech);

/* Of what a checkpoint belongs to: ids, pieces, lengths and tokens, in order. Not of paths, so that a corpus may be moved, nor of the
 * weights of sources, which may be changed between two runs; what follows is then not what one run would have done. */
uint64_t ting_speech_hash(const ting_speech *speech);

/* The sound of an item at 16 kHz, in place of what *sound holds. Any thread. Errors: io, format (a file that cannot be read,
 * ends before its piece begins, or lasts longer or less than manifest or header say, by more than ting_sound_slack), memory. */
ting_err ting_speech_load(ting_speech *speech, size_t item, ting_sound *sound);

#endif
