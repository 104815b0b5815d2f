/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpora.c - the table of corpora, and how each keeps its labels.
 *
 *     aishell1        transcript/aishell_transcript_v0.8.txt       BAC009S0002W0122 而 对 楼市 成交 ...
 *                     wav/train/S0002/BAC009S0002W0122.wav         from wav/S0002.tar.gz, which is in the archive
 *     thchs30         train/A11_0.wav, data/A11_0.wav.trn          three lines: hanzi, pinyin, initials and finals
 *     aishell3        train/content.txt                            SSB00050001.wav<TAB>广 guang3 州 zhou1 ...
 *                     train/wav/SSB0005/SSB00050001.wav            no dev part
 *     commonvoice-zh  train.tsv, dev.tsv, test.tsv, validated.tsv  columns client_id, path, sentence, ...
 *                     clips/common_voice_zh-CN_18524189.mp3
 *
 * Facts from the archives' own descriptions (https://www.openslr.org 33, 18, 93; https://commonvoice.mozilla.org) and
 * from the public recipes of lhotse and Kaldi.
 */
#include "data/corpora.h"

#include "base/file.h"
#include "base/folder.h"
#include "data/lines.h"
#include "text/transcript.h"
#include "text/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const aishell1_parts[] = {"train", "dev", "test"};

/* root/a/b, cut where it is too long for any file system. */
enum { PATH_ROOM = 4096 };

TING_PRINTF(2, 3) static void join(char out[PATH_ROOM], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out, PATH_ROOM, format, args);
    va_end(args);
}

/* ---- AISHELL-1 ---- */

static bool aishell1_has_speaker(const char *root, const char *part, ting_view speaker)
{
    char path[PATH_ROOM];
    join(path, "%s/wav/%s/%.*s", root, part, (int)speaker.length, speaker.text);
    return ting_file_is_folder(path);
}

static ting_err aishell1_ready(const char *root)
{
    ting_err err = TING_OK;
    char path[PATH_ROOM];
    size_t packed = 0;
    const char *first = "";
    ting_folder archives = {0};
    join(path, "%s/wav", root);
    TRY(ting_folder_list(path, ".tar.gz", &archives));
    for (size_t i = 0; i < archives.count; i++) {
        bool there = false;
        ting_view speaker = {archives.names[i], strlen(archives.names[i]) - strlen(".tar.gz")};
        for (size_t p = 0; p < 3; p++)
            there = there || aishell1_has_speaker(root, aishell1_parts[p], speaker);
        first = packed == 0 && !there ? archives.names[i] : first;
        packed += !there;
    }
    if (packed > 0)
        FAIL(TING_ERR_FORMAT,
             "%zu speakers are still packed, such as %s/%s; unpack them: cd '%s' && for f in *.tar.gz; do tar xzf "
             "\"$f\"; done",
             packed, path, first, path);
out:
    ting_folder_free(&archives);
    return err;
}

static ting_err read_aishell1(ting_corpus_reading *in)
{
    ting_err err = TING_OK;
    char path[PATH_ROOM];
    ting_file file = {0};
    ting_transcript *lines = NULL;
    ting_view last = {"", 0};
    bool here = false;
    join(path, "%s/transcript/aishell_transcript_v0.8.txt", in->root);
    TRY(ting_file_map(path, &file));
    TRY(ting_transcript_read(path, (const char *)file.data, file.size, NULL, &lines));
    for (int i = 0; i < ting_transcript_count(lines); i++) {
        const ting_utterance *u = ting_transcript_at(lines, i);
        ting_view speaker = u->id.length > 11 ? (ting_view){u->id.text + 6, 5} : u->id; /* BAC009 S0002 W0122 */
        if (speaker.length != last.length || memcmp(speaker.text, last.text, last.length) != 0)
            here = aishell1_has_speaker(in->root, in->part, speaker);
        last = speaker;
        if (!here)
            continue;
        join(path, "%s/wav/%s/%.*s/%.*s.wav", in->root, in->part, (int)speaker.length, speaker.text, (int)u->id.length,
             u->id.text);
        TRY(ting_corpus_add(in, u->id, path, speaker, u->text, (ting_view){"", 0}));
    }
out:
    ting_transcript_free(lines);
    ting_file_unmap(&file);
    return err;
}

/* ---- THCHS-30 ---- */

/* The first line of the text, which is moved behind it. */
static ting_view take_line(ting_view *text)
{
    const char *end = text->length > 0 ? memchr(text->text, '\n', text->length) : NULL;
    size_t length = end == NULL ? text->length : (size_t)(end - text->text);
    ting_view line = {text->text, length};
    size_t used = end == NULL ? length : length + 1;
    *text = (ting_view){text->text + used, text->length - used};
    return ting_view_trim(line);
}

static ting_err read_thchs30_clip(ting_corpus_reading *in, const char *name)
{
    ting_err err = TING_OK;
    char path[PATH_ROOM], label[PATH_ROOM];
    ting_file file = {0};
    const char *mark = strchr(name, '_');
    ting_view speaker = {name, mark != NULL ? (size_t)(mark - name) : 0};
    join(path, "%s/%s/%s", in->root, in->part, name);
    join(label, "%s/data/%s.trn", in->root, name); /* the ones in the parts only say where this one is */
    if (!ting_file_exists(label)) {
        ting_corpus_leave_out(in, "%s: there is no label %s", path, label);
        return TING_OK;
    }
    TRY(ting_file_map(label, &file));
    ting_view rest = {file.size > 0 ? (const char *)file.data : "", file.size}, text = take_line(&rest), pinyin = take_line(&rest);
    TRY(ting_corpus_add(in, ting_view_stem((ting_view){name, strlen(name)}), path, speaker, text, pinyin));
out:
    ting_file_unmap(&file);
    return err;
}

static ting_err read_thchs30(ting_corpus_reading *in)
{
    ting_err err = TING_OK;
    char path[PATH_ROOM];
    ting_folder sounds = {0};
    join(path, "%s/%s", in->root, in->part);
    TRY(ting_folder_list(path, ".wav", &sounds));
    for (size_t i = 0; i < sounds.count; i++)
        TRY(read_thchs30_clip(in, sounds.names[i]));
out:
    ting_folder_free(&sounds);
    return err;
}

/* ---- AISHELL-3 ---- */

/* Hanzi and their pinyin by turns; a word with erhua is one: "点儿 dianr3", which becomes dian3 er5. */
static void split_pairs(ting_view pairs, ting_str *text, ting_str *pinyin)
{
    for (size_t at = 0, end; at < pairs.length; at = end + 1) {
        for (end = at; end < pairs.length && !ting_is_space(pairs.text[end]);)
            end++;
        const char *word = pairs.text + at;
        size_t length = end - at;
        bool syllable =
            length > 1 && word[length - 1] >= '1' && word[length - 1] <= '5' && word[0] >= 'a' && word[0] <= 'z';
        if (!syllable)
            ting_str_add_bytes(text, word, length);
        else if (length > 3 && word[length - 2] == 'r')
            ting_str_addf(pinyin, "%.*s%c er5 ", (int)length - 2, word, word[length - 1]);
        else
            ting_str_addf(pinyin, "%.*s ", (int)length, word);
    }
}

static ting_err read_aishell3(ting_corpus_reading *in)
{
    ting_err err = TING_OK;
    char path[PATH_ROOM];
    const char *line;
    size_t length;
    ting_lines lines = {0};
    ting_str text = {0}, pinyin = {0};
    join(path, "%s/%s/content.txt", in->root, in->part);
    TRY(ting_lines_open(path, &lines));
    while (ting_lines_next(&lines, &line, &length)) {
        ting_tsv fields;
        ting_tsv_cut((ting_view){line, length}, &fields);
        ting_view name = fields.fields[0];
        if (name.length <= 7) { /* SSB0005 0001.wav */
            if (name.length > 0)
                ting_corpus_leave_out(in, "%s/%s/content.txt:%ld: names no sound", in->root, in->part, lines.number);
            continue;
        }
        ting_str_clear(&text);
        ting_str_clear(&pinyin);
        split_pairs(ting_tsv_at(&fields, 1), &text, &pinyin);
        if (!ting_str_ok(&text) || !ting_str_ok(&pinyin))
            FAIL(TING_ERR_MEMORY, "no memory for a line of %zu bytes", length);
        join(path, "%s/%s/wav/%.7s/%.*s", in->root, in->part, name.text, (int)name.length, name.text);
        TRY(ting_corpus_add(in, ting_view_stem(name), path, (ting_view){name.text, 7},
                            (ting_view){text.text, text.length}, (ting_view){pinyin.text, pinyin.length}));
    }
    err = lines.err;
out:
    ting_lines_close(&lines);
    ting_str_free(&text);
    ting_str_free(&pinyin);
    return err;
}

/* ---- Common Voice ---- */

static void leave_out_line(void *self, ting_log_level level, const char *sentence)
{
    (void)level;
    ting_corpus_leave_out(self, "%s", sentence);
}

static ting_err read_table(ting_corpus_reading *in, const char *name, bool count_bad, ting_manifest **out)
{
    ting_err err = TING_OK;
    char path[PATH_ROOM], clips[PATH_ROOM];
    const ting_log log = {count_bad ? leave_out_line : NULL, in};
    join(path, "%s/%s.tsv", in->root, name);
    join(clips, "%s/clips", in->root);
    TRY(ting_manifest_read(path, &(ting_manifest_options){.base = clips, .bad = &log}, out));
out:
    return err;
}

/* The speakers of dev and test, numbered from TING_FIRST_WORD: *count of them. */
static ting_err collect_held_out(ting_corpus_reading *in, ting_words_table *speakers, int *count)
{
    ting_err err = TING_OK;
    static const char *const names[] = {"dev", "test"};
    ting_manifest *m = NULL;
    for (int n = 0; n < 2; n++) {
        TRY(read_table(in, names[n], false, &m));
        for (size_t i = 0; i < ting_manifest_count(m); i++) {
            const char *speaker = ting_manifest_at(m, i)->speaker;
            int number = TING_FIRST_WORD - 1;
            TRY(speaker != NULL ? ting_words_table_number(speakers, speaker, strlen(speaker), &number) : TING_OK);
            *count = number - TING_FIRST_WORD + 1 > *count ? number - TING_FIRST_WORD + 1 : *count;
        }
        ting_manifest_free(m);
        m = NULL;
    }
out:
    ting_manifest_free(m);
    return err;
}

static ting_err read_commonvoice(ting_corpus_reading *in)
{
    ting_err err = TING_OK;
    bool validated = in->validated && strcmp(in->part, "train") == 0;
    int held_out = 0;
    ting_manifest *m = NULL;
    ting_words_table *speakers = ting_words_table_new();
    TRY(speakers != NULL ? TING_OK : TING_ERR_MEMORY);
    TRY(validated ? collect_held_out(in, speakers, &held_out) : TING_OK);
    TRY(read_table(in, validated ? "validated" : in->part, true, &m));
    for (size_t i = 0; i < ting_manifest_count(m); i++) {
        const ting_clip *c = ting_manifest_at(m, i);
        ting_view id = ting_view_stem((ting_view){c->id, strlen(c->id)}), speaker = {"", 0}, text = {"", 0};
        int number = TING_FIRST_WORD + held_out;
        if (c->speaker != NULL)
            speaker = (ting_view){c->speaker, strlen(c->speaker)};
        if (c->text != NULL)
            text = (ting_view){c->text, strlen(c->text)};
        if (validated && speaker.length > 0)
            TRY(ting_words_table_number(speakers, speaker.text, speaker.length, &number));
        if (number >= TING_FIRST_WORD + held_out)
            TRY(ting_corpus_add(in, id, c->path, speaker, text, (ting_view){"", 0}));
    }
out:
    ting_manifest_free(m);
    ting_words_table_free(speakers);
    return err;
}

/* ---- the table ---- */

const ting_corpus ting_corpora[] = {
    {.name = "aishell1", .title = "AISHELL-1", .licence = "Apache-2.0", .source = "https://www.openslr.org/33",
     .inner = "data_aishell", .landmark = "transcript/aishell_transcript_v0.8.txt", .parts = {"train", "dev", "test"},
     .ready = aishell1_ready, .read = read_aishell1},
    {.name = "aishell3", .title = "AISHELL-3", .licence = "Apache-2.0", .source = "https://www.openslr.org/93",
     .inner = "data_aishell3", .landmark = "train/content.txt", .parts = {"train", "test"}, .read = read_aishell3},
    {.name = "commonvoice-zh", .title = "Common Voice", .licence = "CC0-1.0", .source = "https://commonvoice.mozilla.org",
     .inner = "zh-CN", .landmark = "validated.tsv", .parts = {"train", "dev", "test"}, .has_validated = true,
     .read = read_commonvoice},
    {.name = "thchs30", .title = "THCHS-30", .licence = "Apache-2.0", .source = "https://www.openslr.org/18",
     .inner = "data_thchs30", .landmark = "data/A11_0.wav.trn", .parts = {"train", "dev", "test"}, .read = read_thchs30},
    {0},
};
