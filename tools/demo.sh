#!/bin/sh
# `make demo`: a real sentence, transcribed with the model that ships (models/tingxie.gguf), or with the first one of TING_MODELS.
program=$1
sound=examples/sound/BAC009S0252W0453.flac
echo "\$ tingxie transcribe $sound"
"$program" transcribe "$sound"
