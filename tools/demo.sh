#!/bin/sh
# `make demo`: a real sentence, transcribed. The model comes from TING_MODELS, ../shared/models or, fetched once, from
# its authors' own release by `tingxie pull`.
program=$1
sound=examples/sound/BAC009S0252W0453.flac
name=zipformer-wenetspeech-3.3m

if [ -n "${TING_MODELS:-}" ]; then
    models=$TING_MODELS
elif [ -d "../shared/models/$name" ]; then
    models=../shared/models
else
    models=models
    [ -e "models/$name.gguf" ] || "$program" pull "$name" || exit 1
fi
echo "\$ tingxie transcribe $sound"
TING_MODELS=$models "$program" transcribe "$sound"
