#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lm_table.sh PROGRAM - every kind of language model on the same words and texts: `make lm-table`.
#
# Trains what is not there yet in LM_TABLE (default build/lm-table; each training goes on where it stopped), from the texts that
# recipes/lm-net.yaml names, below TING_TEXTS (default ../shared). Then a row of Markdown for each: parameters, megabytes, minutes of
# training, characters a second of processor time on one thread, perplexity a character of two texts that nothing was trained on: A the last 2,000 lines of
# AISHELL-1's development text, B every 500th line of the other files. Then mixtures, whose weights are fitted to B for A and to A for B.
# What bilstm has there is a pseudo-perplexity, to be compared with nothing.
program=$1 texts=${TING_TEXTS:-../shared} out=${LM_TABLE:-build/lm-table}
[ -d "$texts/text/train" ] || { echo "# skipped: no texts in $texts (TING_TEXTS)"; exit 0; }
mkdir -p "$out"
a=$out/a.txt b=$out/b.txt
tail -n 2000 "$texts/text/aishell/p2h-dev.tsv" | cut -f3 > "$a"
for file in "$texts"/text/train/*.txt.xz; do xz -dc "$file" | awk 'NR % 500 == 0'; done > "$b"

train() { # name, recipe, settings
    name=$1 recipe=$2
    shift 2
    [ -s "$out/$name.gguf" ] && return
    set -- $(for setting in "$@"; do echo "--set $setting"; done)
    "$program" lm train "recipes/$recipe" --base "$texts" -o "$out/$name.gguf" "$@" >&2 || exit 1
}
plan="train.steps=2000 train.decay=600"
train ngram-4 lm-ngram.yaml model.prune=0
train ngram-4-small lm-ngram.yaml
train gpt lm-net.yaml model.kind=gpt model.layers=6 train.rate=1.5e-3 $plan
train lstm lm-net.yaml model.kind=lstm $plan
train nnlm lm-net.yaml model.kind=nnlm model.direct=true train.rate=1e-3 $plan
train rnn lm-net.yaml model.kind=rnn model.layers=1 train.rate=1e-3 $plan
train rnn-classes lm-net.yaml model.kind=rnn model.layers=1 model.classes=73 model.bptt=20 train.rate=1e-3 $plan
train bilstm lm-net.yaml model.kind=bilstm model.layers=1 model.hidden=256 $plan
train gru lm-net.yaml model.kind=gru $plan

perplexity() { "$program" lm ppl -t 1 "$@" | tail -n 1 | cut -f6; }
record() { "$program" inspect --json "$1" | grep -o "\\\\*\"$2\\\\*\":[0-9.e+]*" | head -n 1 | sed 's/.*://'; }
# Seconds of processor time of all commands so far, those of this shell's children.
seconds() { times > "$out/times"; tail -n 1 "$out/times" | sed 's/[ms]/ /g' | awk '{ print 60 * $1 + $2 }'; }

echo "| model | parameters | MB | minutes | characters/s | A | B |"
echo "|---|---|---|---|---|---|---|"
for model in ngram-4 ngram-4-small nnlm rnn rnn-classes gru lstm gpt bilstm; do
    file=$out/$model.gguf
    parameters=$(record "$file" parameters)
    on_a=$(perplexity "$file" "$a")
    seconds > "$out/began"
    "$program" lm ppl -t 1 "$file" "$b" | tail -n 1 > "$out/row"
    seconds > "$out/ended"
    took=$(cat "$out/began" "$out/ended" | paste -sd' ' | awk '{ print $2 - $1 }')
    on_b=$(cut -f6 "$out/row")
    awk -v model="$model" -v parameters="${parameters:-0}" -v bytes="$(wc -c < "$file")" -v trained="$(record "$file" seconds)" \
        -v characters="$(cut -f3 "$out/row")" -v took="$took" -v a="$on_a" -v b="$on_b" 'BEGIN {
        printf "| %s | %s | %.1f | %.0f | %.0f | %s | %s |\n", model, parameters > 0 ? sprintf("%.2f M", parameters / 1e6) : "", bytes / 1e6,
            trained / 60, characters / took, a, b }'
done

mixture() { # names
    first=$out/$1.gguf
    shift
    set -- $(for model in "$@"; do echo "--with $out/$model.gguf"; done)
    for_a=$("$program" lm ppl --fit "$@" "$first" "$b" | cut -f2 | paste -sd,)
    for_b=$("$program" lm ppl --fit "$@" "$first" "$a" | cut -f2 | paste -sd,)
    echo "$(perplexity "$@" --weights "$for_a" "$first" "$a") | $(perplexity "$@" --weights "$for_b" "$first" "$b") |"
}
for models in "ngram-4 lstm" "ngram-4 gpt" "lstm gpt" "ngram-4 lstm gpt" "ngram-4 nnlm gru lstm gpt"; do
    echo "| $(echo "$models" | sed 's/ / + /g') | | | | | $(mixture $models)"
done
