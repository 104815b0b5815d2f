#!/bin/sh
# Speed and memory beside sherpa-onnx-node on the same model and sound, in one run: `make bench`.
# Wants: TING_MODELS with the public Zipformer (default ../shared/models), TING_SPEECH (default ../shared/speech),
# node, and the npm package sherpa-onnx-node (NODE_PATH, or npm installs it under build/). Skips what is absent.
program=$1
models=${TING_MODELS:-../shared/models} speech=${TING_SPEECH:-../shared/speech}
model=$models/zipformer-wenetspeech-3.3m
sound=build/bench-s0252.wav

[ -d "$model" ] || { echo "# skipped: no public Zipformer in $models (TING_MODELS)"; exit 0; }
[ -d "$speech/dev/aishell/S0252" ] || { echo "# skipped: no speech in $speech (TING_SPEECH)"; exit 0; }
[ -s "$sound" ] || "$program" bench --join "$sound" "$speech"/dev/aishell/S0252/*.flac || exit 1

if [ -z "${NODE_PATH:-}" ] && command -v npm >/dev/null; then
    mkdir -p build/node && (cd build/node && npm install --no-fund --no-audit --silent sherpa-onnx-node >/dev/null 2>&1)
    NODE_PATH=$PWD/build/node/node_modules
fi
ours=build/bench-zipformer.gguf # a public folder is converted once, as a user would
[ -s "$ours" ] || "$program" convert "$model" -o "$ours" || exit 1
for threads in 1 2; do
    "$program" bench -m "$ours" --threads "$threads" --rounds 5 "$sound" || exit 1
    if [ -d "${NODE_PATH:-/nowhere}/sherpa-onnx-node" ]; then
        NODE_PATH=$NODE_PATH LD_LIBRARY_PATH=$NODE_PATH/sherpa-onnx-linux-x64 \
            node tests/bench/sherpa.js "$model" "$sound" "$threads" 5
    else
        echo "# skipped: sherpa-onnx-node is not installed"
    fi
done
