/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.c - see corpus.h. */
#include "support/corpus.h"

#include "base/file.h"
#include "base/mem.h"
#include "support/support.h"
#include "support/tiny.h"

#include <stdio.h>
#include <string.h>

enum { RATE = 16000, ROOM = 512 };

static const char common_voice_head[] =
    "client_id\tpath\tsentence_id\tsentence\tsentence_domain\tup_votes\tdown_votes\tage\tgender\t"
    "accents\tvariant\tlocale\tsegment\n";

void ting_mini_append(const char *folder, const char *name, const char *text)
{
    char *path = ting_path_join(folder, name);
    assert_ok(ting_folder_make_above(path));
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    ting_free(path);
}

static void add_sound(const char *folder, const char *name, const ting_mini_clip *clip)
{
    char *path = ting_path_join(folder, name);
    if (clip->samples != NULL) {
        assert_ok(ting_folder_make_above(path));
        assert_ok(ting_tiny_wav_save(path, clip->samples, clip->count, RATE));
    }
    ting_free(path);
}

static void add_aishell1(const char *folder, const ting_mini_clip *clip)
{
    char name[ROOM], line[ROOM];
    snprintf(name, sizeof name, "data_aishell/wav/%s/%.5s/%s.wav", clip->part, clip->id + strlen("BAC009"), clip->id);
    add_sound(folder, name, clip);
    snprintf(line, sizeof line, "%s %s\n", clip->id, clip->label);
    if (clip->label != NULL)
        ting_mini_append(folder, "data_aishell/transcript/aishell_transcript_v0.8.txt", line);
}

static void add_aishell3(const char *folder, const ting_mini_clip *clip)
{
    char name[ROOM], line[ROOM];
    snprintf(name, sizeof name, "%s/wav/%.7s/%s.wav", clip->part, clip->id, clip->id);
    add_sound(folder, name, clip);
    snprintf(name, sizeof name, "%s/content.txt", clip->part);
    snprintf(line, sizeof line, "%s.wav\t%s\n", clip->id, clip->label);
    if (clip->label != NULL)
        ting_mini_append(folder, name, line);
}

static void add_common_voice(const char *folder, const ting_mini_clip *clip)
{
    char name[ROOM], line[ROOM];
    snprintf(name, sizeof name, "zh-CN/clips/%s.mp3", clip->id);
    add_sound(folder, name, clip);
    if (clip->label == NULL)
        return;
    const int speaker = (int)strcspn(clip->label, "\t");
    snprintf(name, sizeof name, "zh-CN/%s.tsv", clip->part);
    char *path = ting_path_join(folder, name);
    if (!ting_file_exists(path))
        ting_mini_append(folder, name, common_voice_head);
    ting_free(path);
    snprintf(line, sizeof line, "%.*s\t%s.mp3\t\t%s\t\t2\t0\t\t\t\t\tzh-CN\t\n", speaker, clip->label, clip->id,
             clip->label + speaker + 1);
    ting_mini_append(folder, name, line);
}

static void add_thchs30(const char *folder, const ting_mini_clip *clip)
{
    char name[ROOM];
    snprintf(name, sizeof name, "data_thchs30/%s/%s.wav", clip->part, clip->id);
    add_sound(folder, name, clip);
    if (clip->label == NULL)
        return;
    snprintf(name, sizeof name, "data_thchs30/%s/%s.wav.trn", clip->part, clip->id);
    ting_mini_append(folder, name, "../data/A11_0.wav.trn\n"); /* no more than where the label is */
    snprintf(name, sizeof name, "data_thchs30/data/%s.wav.trn", clip->id);
    ting_mini_append(folder, name, clip->label);
}

void ting_mini_add(const char *corpus, const char *folder, const ting_mini_clip *clip)
{
    static const struct {
        const char *corpus;
        void (*add)(const char *folder, const ting_mini_clip *clip);
    } layouts[] = {{"aishell1", add_aishell1},
                   {"aishell3", add_aishell3},
                   {"commonvoice-zh", add_common_voice},
                   {"thchs30", add_thchs30}};
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (strcmp(layouts[i].corpus, corpus) == 0) {
            layouts[i].add(folder, clip);
            return;
        }
    fail_msg("no layout is called %s", corpus);
}
