/* SPDX-License-Identifier: Apache-2.0 */
/* public.c - see public.h. */
#include "model/public.h"

#include "model/import_wenet.h"
#include "model/import_zipformer_onnx.h"

#include <dirent.h>
#include <string.h>

static bool has_ending(const char *name, const char *ending)
{
    const size_t n = strlen(name), e = strlen(ending);
    return n > e && strcmp(name + n - e, ending) == 0;
}

ting_public_kind ting_public_kind_of(const char *folder)
{
    static const char *const parts[] = {"encoder", "decoder", "joiner"};
    bool graphs[3] = {false}, tokens = false, settings = false, checkpoint = false;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return TING_PUBLIC_NONE;
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        tokens |= strcmp(entry->d_name, "tokens.txt") == 0;
        settings |= strcmp(entry->d_name, TING_WENET_SETTINGS) == 0;
        checkpoint |= strcmp(entry->d_name, TING_WENET_CHECKPOINT) == 0;
        for (int i = 0; i < 3; i++)
            graphs[i] |= has_ending(entry->d_name, ".onnx") && strstr(entry->d_name, parts[i]) != NULL;
    }
    closedir(entries);
    if (tokens && graphs[0] && graphs[1] && graphs[2])
        return TING_PUBLIC_ZIPFORMER_ONNX;
    return settings && checkpoint ? TING_PUBLIC_WENET : TING_PUBLIC_NONE;
}

ting_err ting_public_import(const char *folder, ting_imported *out)
{
    *out = (ting_imported){0};
    switch (ting_public_kind_of(folder)) {
    case TING_PUBLIC_ZIPFORMER_ONNX: return ting_import_zipformer_onnx(folder, out);
    case TING_PUBLIC_WENET: return ting_import_wenet(folder, out);
    case TING_PUBLIC_NONE: break;
    }
    return ting_fail(TING_ERR_NOT_FOUND, "%s: no model that is known: expected tokens.txt and encoder, decoder and joiner as ONNX, "
                                         "or WeNet's " TING_WENET_SETTINGS ", " TING_WENET_CHECKPOINT " and units.txt", folder);
}
