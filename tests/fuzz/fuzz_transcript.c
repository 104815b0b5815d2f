/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_transcript.c - manifests, TSV and Kaldi texts, then finding each utterance again. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "text/transcript.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_transcript *transcript = NULL;
    if (ting_transcript_read("fuzz", (const char *)bytes, size, NULL, &transcript) == TING_OK) {
        int count = ting_transcript_count(transcript);
        for (int i = 0; i < count && i < 64; i++) {
            const ting_utterance *utterance = ting_transcript_at(transcript, i);
            ting_view_stem(utterance->path);
            if (ting_transcript_find(transcript, utterance->id) >= count)
                abort();
        }
    }
    ting_transcript_free(transcript);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char manifest[] = "id\tpath\ttext\tpinyin\na\twav/a.wav\t你好\tni3 hao3\nb\tb.flac\t再见\tzai4 jian4\n";
    static const char tsv[] = "x/a.wav\t你好\r\ny/a.wav\t\n\nb.wav\t再见\textra\n";
    static const char kaldi[] = "utt1 你 好\nutt2\t再见\nutt3\n";
    take(self, manifest, sizeof manifest - 1);
    take(self, tsv, sizeof tsv - 1);
    take(self, kaldi, sizeof kaldi - 1);
}
