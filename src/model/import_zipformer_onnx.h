/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_zipformer_onnx.h - a folder with a public streaming Zipformer2 transducer in ONNX (encoder, decoder, joiner,
 * tokens.txt, as icefall's export-onnx-streaming.py and sherpa-onnx's releases have them) -> settings, tokens and
 * tensors under the names of icefall's checkpoints.
 *
 * What becomes of it says imported.h.
 *
 * Weights are kept exactly: int8 matrices stay int8 with one scale per output. docs/models/zipformer.md says how the
 * graphs are read and what the exporter folded.
 */
#ifndef TING_MODEL_IMPORT_ZIPFORMER_ONNX_H
#define TING_MODEL_IMPORT_ZIPFORMER_ONNX_H

#include "model/imported.h"

/* Where a network is there twice, the float one is taken before the int8 one. Every tensor is checked against the
 * settings. `out` is zeroed on failure. Errors: io, format, model (what is missing or does not fit), unsupported (a
 * graph that does something else), memory; the file comes first. */
ting_err ting_import_zipformer_onnx(const char *folder, ting_imported *out);

#endif
