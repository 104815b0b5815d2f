/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_zipformer_onnx.h - a folder with a public streaming Zipformer2 transducer in ONNX (encoder, decoder, joiner,
 * tokens.txt, as icefall's export-onnx-streaming.py and sherpa-onnx's releases have them) -> settings, tokens and
 * tensors under the names of icefall's checkpoints.
 *
 *     ting_imported model;
 *     TRY(ting_import_zipformer_onnx("folder", &model));
 *     to run it:        ting_zipformer_new(&model.encoder, ...), ...,
 *                       ting_table_view view = {&model.tensors, ""}; ting_table_source(&view, "folder")
 *     to convert it:    ting_imported_put_keys(&model, writer), and its tensors under "am." (engine/tool_convert.c)
 *     ting_imported_free(&model);
 *
 * Weights are kept exactly: int8 matrices stay int8 with one scale per output. docs/models/zipformer.md says how the
 * graphs are read and what the exporter folded.
 */
#ifndef TING_MODEL_IMPORT_ZIPFORMER_ONNX_H
#define TING_MODEL_IMPORT_ZIPFORMER_ONNX_H

#include "model/gguf.h"
#include "model/transducer.h"
#include "model/zipformer.h"

typedef struct ting_imported {
    ting_zipformer_config encoder;
    ting_transducer_config transducer;
    char *features;     /* line of ting_feature_print; the graphs don't hold it: icefall's fbank */
    ting_texts tokens;  /* at least transducer.vocab */
    ting_table tensors; /* sealed */
} ting_imported;

/* Where a network is there twice, the float one is taken before the int8 one. Every tensor is checked against the
 * settings. `out` is zeroed on failure. Errors: io, format, model (what is missing or does not fit), unsupported (a
 * graph that does something else), memory; the file comes first. */
ting_err ting_import_zipformer_onnx(const char *folder, ting_imported *out);
void ting_imported_free(ting_imported *model);

/* Puts the keys of network "am". */
void ting_imported_put_keys(const ting_imported *model, ting_gguf_writer *writer);

#endif
