/* SPDX-License-Identifier: Apache-2.0 */
/*
 * public.h - folders with acoustic models as others publish them: told apart by what lies in them, and imported.
 *
 *     ZIPFORMER_ONNX   tokens.txt and *encoder*.onnx, *decoder*.onnx, *joiner*.onnx      import_zipformer_onnx.h
 *     WENET            train.yaml, units.txt (or lang_char.txt, words.txt), final.pt       import_wenet.h
 */
#ifndef TING_MODEL_PUBLIC_H
#define TING_MODEL_PUBLIC_H

#include "model/imported.h"

typedef enum ting_public_kind { TING_PUBLIC_NONE, TING_PUBLIC_ZIPFORMER_ONNX, TING_PUBLIC_WENET } ting_public_kind;

ting_public_kind ting_public_kind_of(const char *folder);

/* What lies in the folder, whichever it is. Errors: not found (nothing that is known), those of the importers. */
ting_err ting_public_import(const char *folder, ting_imported *out);

#endif
