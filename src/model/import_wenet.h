/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_wenet.h - a folder with a Conformer of WeNet as training leaves it: train.yaml, final.pt, units.txt (lang_char.txt
 * and words.txt in older releases) and, if the checkpoint does not hold it, global_cmvn -> settings, tokens and tensors.
 *
 * Taken: the Conformer encoder, the CTC head and the attention decoder, of one direction or both. Decoders of another kind,
 * predictors and joiners of the checkpoint are left out; the remark says so. A model that was trained with chunks of
 * changing size streams, in chunks of 16 rows (0.64 s) that see 16 chunks to the left; another one hears whole utterances.
 * docs/models/conformer.md, docs/models/attention-decoder.md
 */
#ifndef TING_MODEL_IMPORT_WENET_H
#define TING_MODEL_IMPORT_WENET_H

#include "model/imported.h"

#define TING_WENET_SETTINGS   "train.yaml"
#define TING_WENET_CHECKPOINT "final.pt"

/* Every tensor is checked against the settings. `out` is zeroed on failure. Errors: io, format, not found (units, a
 * tensor), unsupported (a setting of another network), model, memory; the file comes first. */
ting_err ting_import_wenet(const char *folder, ting_imported *out);

#endif
