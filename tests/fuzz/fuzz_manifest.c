/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_manifest.c - any bytes as a manifest, and, cut at each NUL, as the files of a Kaldi folder; bad lines left out
 * or not. The labels are read, too.
 */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/mem.h"
#include "data/clip_label.h"
#include "data/manifest.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const parts[] = {"wav.scp", "text", "segments", "utt2spk", "utt2dur"};

enum { PARTS = sizeof parts / sizeof parts[0] };

static void ignore(void *self, ting_log_level level, const char *sentence)
{
    (void)self, (void)level, (void)sentence;
}

static void check_text(const char *text, bool needed)
{
    if (text == NULL ? needed : text[0] == '\0')
        abort();
}

static void read_one(const char *path, const ting_manifest_options *options)
{
    ting_manifest *m;
    ting_label_reader labels = {0};
    ting_err err = ting_manifest_read(path, options, &m);
    if ((err == TING_OK) != (m != NULL))
        abort();
    if (err != TING_OK && err != TING_ERR_FORMAT && err != TING_ERR_ARGUMENT)
        abort();
    for (size_t i = 0; m != NULL && i < ting_manifest_count(m); i++) {
        const ting_clip *clip = ting_manifest_at(m, i);
        check_text(clip->id, true);
        check_text(clip->path, true);
        check_text(clip->text, false);
        check_text(clip->pinyin, false);
        check_text(clip->speaker, false);
        if (clip->seconds == 0 || !(clip->seconds <= 1e7) || !(clip->start <= 1e7))
            abort();
        ting_clip_label label;
        if (ting_label_read(&labels, clip, &label) != TING_OK || label.frames < label.count)
            abort();
    }
    ting_label_reader_free(&labels);
    ting_manifest_free(m);
}

/* Writes the bytes that stand between NULs, one file each; what is behind the last file is left out. */
static void write_folder(const char *folder, const char *text, size_t size)
{
    for (int p = 0; p < PARTS; p++) {
        const char *cut = size > 0 ? memchr(text, 0, size) : NULL;
        size_t length = cut == NULL ? size : (size_t)(cut - text), used = cut == NULL ? size : length + 1;
        char *path = ting_path_join(folder, parts[p]);
        remove(path);
        FILE *file = p == 0 || length > 0 ? fopen(path, "wb") : NULL;
        if (file != NULL && (fwrite(text, 1, length, file) != length || fclose(file) != 0))
            abort();
        ting_free(path);
        text += used;
        size -= used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *folder;
    const ting_log log = {ignore, NULL};
    const char *path = ting_fuzz_file(data, size);
    read_one(path, NULL);
    read_one(path, &(ting_manifest_options){.base = "/data", .bad = &log});
    read_one(path, &(ting_manifest_options){.only = "split=dev", .bad = &log});
    if (folder == NULL) {
        folder = ting_temp_path("kaldi");
        if (ting_folder_make(folder) != TING_OK)
            abort();
    }
    write_folder(folder, (const char *)data, size);
    read_one(folder, NULL);
    read_one(folder, &(ting_manifest_options){.bad = &log});
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char table[] =
        "id\tpath\tsplit\ttext\tpinyin\tspeaker\tduration_s\na\twav/a.wav\tdev\t你好\tni3 hao3\tS1\t1.5\n"
        "b\tb.flac\ttrain\t再见\tzai4 jian4\t\t\n";
    static const char pieces[] = "path\tstart\tend\tseconds\nl.flac\t0.5\t1.5\t\nl.flac\t1.5\t\t2\n";
    static const char list[] = "x/a.wav\t你好\r\ny/a.wav\t\n\nb.wav\n";
    static const char json[] = "{\"key\": \"a\", \"wav\": \"a.wav\", \"txt\": \"\\u4f60好\", \"split\": \"dev\"}\n"
                               "{\"audio_filepath\": \"n.wav\", \"text\": null, \"duration\": 3.25, \"offset\": 1}\n";
    static const char kaldi[] =
        "rec wav/r.wav\nb cat b.wav |\n\0u1 你 好\nu2 再见\n\0u1 rec 0.5 1.5\nu2 rec 2 -1\n\0u1 S1\n\0u1 1\n";
    static const char whole[] = "a\twav/a.wav\nb\tb.wav\n\0a\t你好\n\0\0a S1\nb S2\n\0a 1.5\n";
    take(self, table, sizeof table - 1);
    take(self, pieces, sizeof pieces - 1);
    take(self, list, sizeof list - 1);
    take(self, json, sizeof json - 1);
    take(self, kaldi, sizeof kaldi - 1);
    take(self, whole, sizeof whole - 1);
}
