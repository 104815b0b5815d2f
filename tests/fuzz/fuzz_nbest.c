/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_nbest.c - lists of the best lines of utterances. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "engine/nbest_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = ting_fuzz_copy(data, size);
    ting_nbest nbest;
    if (ting_nbest_parse("fuzz", (const char *)bytes, size, &nbest) == TING_OK) {
        if (nbest.starts[0] != 0 || nbest.starts[nbest.utterances] != nbest.count)
            abort();
        for (size_t u = 0; u < nbest.utterances; u++) {
            const ting_view name = nbest.lines[nbest.starts[u]].utterance;
            if (nbest.starts[u] >= nbest.starts[u + 1] || name.length == 0)
                abort();
            for (size_t i = nbest.starts[u]; i < nbest.starts[u + 1]; i++) {
                const ting_view own = nbest.lines[i].utterance;
                if (own.length != name.length || memcmp(own.text, name.text, own.length) != 0)
                    abort();
                for (int k = 0; k < nbest.scores; k++)
                    if (!isfinite(nbest.lines[i].scores[k]))
                        abort();
            }
        }
    }
    ting_nbest_free(&nbest);
    ting_free(bytes);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    static const char text[] = "\xEF\xBB\xBF" "b\t今天\t-1.5\t2e3\r\na\t天气\t0\t-1\n\nb\t\t7\t0.25\n";
    static const char ranked[] = "a.wav\t1\t-1.5\t今天\na.wav\t2\t-2\t天气\na.wav\t1\t-1\t好\n7\t0\t\t\n";
    take(self, text, sizeof text - 1);
    take(self, ranked, sizeof ranked - 1);
    static const char of_one[] = "1\t-1.5\t今天\n2\t-2\t天气\n1\t-1\t好\n0\t\t\n";
    take(self, of_one, sizeof of_one - 1);
}
