/* SPDX-License-Identifier: Apache-2.0 */
/* toy_corpus.c - sentences of toy.h as files with manifests (tingxie_train.h). */
#include "tingxie_train.h"

#include "audio/wav.h"
#include "base/mem.h"
#include "data/manifest_write.h"
#include "data/toy.h"

#include <stdio.h>

enum { NAME = 32 };

static ting_err put_clip(const char *folder, int number, const ting_toy *toy, const ting_sound *sound,
                         ting_manifest_writer *out)
{
    ting_err err = TING_OK;
    char id[NAME], file[NAME + 4];
    snprintf(id, sizeof id, "toy-%05d", number);
    snprintf(file, sizeof file, "%s.wav", id);
    char *path = ting_path_join(folder, file);
    if (path == NULL)
        return TING_ERR_MEMORY;
    TRY(ting_wav_save(path, sound->samples, sound->count, TING_SOUND_RATE));
    TRY(ting_manifest_put(out, &(ting_clip){.id = id,
                                            .path = path,
                                            .text = toy->text,
                                            .pinyin = toy->pinyin,
                                            .start = -1,
                                            .seconds = (double)sound->count / TING_SOUND_RATE}));
out:
    ting_free(path);
    return err;
}

ting_err ting_make_toy_corpus(const char *folder, int count, int seed)
{
    static const char *const names[] = {"train.tsv", "dev.tsv"};
    ting_err err = TING_OK;
    ting_manifest_writer writers[2] = {0};
    ting_sound sound = {0};
    char *paths[2] = {0};
    if (folder == NULL)
        FAIL(TING_ERR_ARGUMENT, "no folder is named");
    for (int i = 0; i < 2; i++)
        paths[i] = ting_path_join(folder, names[i]);
    if (paths[0] == NULL || paths[1] == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", folder);
    if (count < 10 || count > 100000)
        FAIL(TING_ERR_ARGUMENT, "a toy corpus of %d clips, expected 10 to 100000", count);
    TRY(ting_folder_make(folder));
    for (int i = 0; i < 2; i++)
        if (ting_file_exists(paths[i]))
            FAIL(TING_ERR_ARGUMENT, "%s is there already: name a new folder, or remove it", paths[i]);
    for (int i = 0; i < 2; i++)
        TRY(ting_manifest_create(paths[i], &writers[i]));
    for (int i = 0; i < count; i++) {
        ting_toy toy;
        ting_rng rng = ting_rng_for((uint64_t)seed, TING_RNG_BATCH, (uint64_t)i, 0);
        TRY(ting_toy_make(&rng, 2, 7, &toy, &sound));
        TRY(put_clip(folder, i, &toy, &sound, &writers[i % 10 == 9]));
    }
    for (int i = 0; i < 2; i++)
        TRY(ting_manifest_commit(&writers[i]));
out:
    for (int i = 0; i < 2; i++) {
        ting_manifest_abandon(&writers[i]);
        ting_free(paths[i]);
    }
    ting_sound_free(&sound);
    return err;
}
