/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_wenet.c - the WeNet importer on damaged settings; checkpoint and units are good ones. Pickles have a target of their own. */
#include "fuzz/fuzz.h"
#include "support/wenet.h"

#include "model/import_wenet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static void remove_folder(void)
{
    static const char *const names[] = {TING_WENET_SETTINGS, TING_WENET_CHECKPOINT, "units.txt"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    ting_imported model;
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "/tmp/tingxie-fuzz-XXXXXX");
        if (mkdtemp(folder) == NULL)
            abort();
        atexit(remove_folder);
        ting_wenet_save(folder, 1, true);
    }
    snprintf(path, sizeof path, "%s/" TING_WENET_SETTINGS, folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
    if (ting_import_wenet(folder, &model) == TING_OK)
        ting_imported_free(&model);
    return 0;
}

void ting_fuzz_seeds(ting_fuzz_take *take, void *self)
{
    take(self, (const uint8_t *)ting_wenet_settings, strlen(ting_wenet_settings));
}
