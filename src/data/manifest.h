/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - which recordings a training or a measurement uses: an immutable list of clips, read from the forms the
 * field uses.
 *
 *     TSV      the first line names the columns, in any order; those that are not known are ignored
 *                  path | wav | audio_filepath         must be there
 *                  id | key | utt                      else the path as written
 *                  text | txt | sentence | transcript  what was said, in hanzi
 *                  pinyin                              what was said, in numbered syllables
 *                  speaker | spk | client_id
 *                  seconds | duration_s | duration     length
 *                  start | offset, end                 seconds; the clip is this piece of the file
 *     list     no such line: path, or path TAB text; further columns are ignored
 *     JSON     an object a line, with the names above as keys (WeNet's data.list has key, wav, txt; NeMo's
 *              audio_filepath, text, duration, offset)
 *     Kaldi    a folder with wav.scp, and text, segments, utt2spk, utt2dur where they are there
 *
 * A file (not those of a Kaldi folder) may be compressed with xz; CRLF, empty lines and a byte order mark are tolerated.
 * A label may be missing: speech without text is a clip, too. No command is ever run: an entry "... |" of wav.scp is a
 * bad line. Sound files are not opened here.
 *
 *     TRY(ting_manifest_read("train.tsv", NULL, &manifest));
 *     for (size_t i = 0; i < ting_manifest_count(manifest); i++)
 *         use(ting_manifest_at(manifest, i)->path);
 *     ting_manifest_free(manifest);
 *
 * Once read, any number of threads may look.
 */
#ifndef TING_DATA_MANIFEST_H
#define TING_DATA_MANIFEST_H

#include "base/log.h"

#include <stddef.h>

typedef struct ting_clip { /* UTF-8, ends in '\0'; borrows until ting_manifest_free */
    const char *id;        /* need not be the only one of its name: `tingxie data check` looks */
    const char *path;      /* of the file, from the working directory or from the root */
    const char *text;      /* as written, with its spaces and punctuation; NULL: not known */
    const char *pinyin;    /* "ni3 hao3"; not checked here; NULL: not known */
    const char *speaker;   /* NULL: not known */
    double start;          /* seconds into the file, 0 to 1e7: the clip is the piece from there; < 0: the whole file */
    double seconds;        /* 0 < seconds <= 1e7: length of the piece; of a whole file what the manifest says, rounded
                            * maybe; < 0: not known, and a piece goes to the end of the file */
} ting_clip;

typedef struct ting_manifest ting_manifest;

typedef struct ting_manifest_options { /* {0}: all clips; a bad line is an error */
    const char *base;    /* folder that relative paths start from; NULL: the manifest's own, or the Kaldi folder */
    const char *only;    /* "split=dev": clips whose column or key says this; "split=dev,speaker=a": this and that, up to
                          * 4. NULL: all. Not for lists, Kaldi folders */
    const ting_log *bad; /* gets a sentence for each bad line, which is left out; NULL: the first one is the error */
} ting_manifest_options;

/* Returns owned in *out, free with ting_manifest_free; NULL on failure. options may be NULL; they are borrowed during
 * the call. Errors: io; format, with file and line (a bad line; also no clip at all); argument (`only` names a column
 * that is not there, or no clip has the value; more than 2^28 clips); memory. */
ting_err ting_manifest_read(const char *path, const ting_manifest_options *options, ting_manifest **out);
void ting_manifest_free(ting_manifest *manifest);

size_t ting_manifest_count(const ting_manifest *manifest);                      /* below 2^28 */
const ting_clip *ting_manifest_at(const ting_manifest *manifest, size_t index); /* in the order of the file */

#endif
