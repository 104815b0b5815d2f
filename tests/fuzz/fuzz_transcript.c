/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_transcript.c - any bytes as two files of utterances (cut at the first NUL), read, matched and scored. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "text/score.h"

#include <stdlib.h>
#include <string.h>

static ting_transcript *read_one(const char *bytes, size_t size)
{
    ting_transcript *t = NULL;
    ting_err err = ting_transcript_read("fuzz", bytes, size, NULL, &t);
    if (err != TING_OK && err != TING_ERR_FORMAT)
        abort();
    return t;
}

static void score(const ting_transcript *ref, const ting_transcript *hyp, ting_score_options options)
{
    ting_scorer *scorer = ting_scorer_new(NULL, &options);
    if (scorer == NULL)
        abort();
    for (int i = 0; i < ting_transcript_count(hyp); i++) {
        const ting_utterance *h = ting_transcript_at(hyp, i);
        int found = ting_transcript_find(ref, h->id);
        if (found < 0)
            continue;
        const ting_utterance *r = ting_transcript_at(ref, found);
        if (r->text.length > 600 || h->text.length > 600) /* the time goes by the product */
            continue;
        ting_scored scored;
        if (ting_scorer_add(scorer, r->text, r->pinyin, h->text, &scored) != TING_OK)
            abort();
        const ting_alignment *a = scored.alignment;
        if (a->matches + a->substitutions + a->deletions != scored.ref.count ||
            a->matches + a->substitutions + a->insertions != scored.hyp.count)
            abort();
    }
    ting_scorer_free(scorer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    const char *text = (const char *)bytes;
    const char *cut = size > 0 ? memchr(text, 0, size) : NULL;
    size_t first = cut == NULL ? size : (size_t)(cut - text);
    ting_transcript *ref = read_one(text, first);
    ting_transcript *hyp = cut == NULL ? read_one(text, first) : read_one(cut + 1, size - first - 1);
    if (ref != NULL && hyp != NULL) {
        score(ref, hyp, (ting_score_options){.units = {.punctuation = size % 2, .letters = size % 3 == 0}});
        score(ref, hyp, (ting_score_options){.syllables = true, .ref_pinyin = true, .hyp_pinyin = size % 2});
        ting_transcript_is_pinyin(hyp);
    }
    ting_transcript_free(ref);
    ting_transcript_free(hyp);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char manifest[] = "id\tpath\ttext\tpinyin\na\twav/a.wav\t你好\tni3 hao3\nb\tb.flac\t再见\tzai4 jian4\n";
    static const char tsv[] = "x/a.wav\t你好\r\ny/a.wav\t\n\nb.wav\t再见\textra\n";
    static const char kaldi[] = "utt1 你 好\nutt2\t再见\nutt3\n";
    static const char two[] = "id\ttext\tpinyin\na\t今天abc\tjin1 tian1\nb\t好\t\n\0x/a.wav\t今田天\nb\thao3 l ǜ\n";
    take(self, two, sizeof two - 1);
    take(self, manifest, sizeof manifest - 1);
    take(self, tsv, sizeof tsv - 1);
    take(self, kaldi, sizeof kaldi - 1);
}
