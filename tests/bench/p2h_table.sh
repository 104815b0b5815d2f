#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# p2h_table.sh PROGRAM - every way from pinyin to hanzi on the same lines: `make p2h-table`.
#
# Trains recipes/p2h-s2s.yaml and recipes/p2h-birnn.yaml in P2H_TABLE (default build/p2h-table; a training goes on where it stopped), from
# the texts that recipes/p2h-data.yaml names below TING_TEXTS (default ../shared). Then a row of Markdown for each network: characters wrong,
# in %, of the last 2,000 lines of p2h-dev.tsv alone, with the n-grams that ship in the search (one-to-one) or ranking 16 lines, and with
# LM_TABLE's gpt (default build/lm-table/gpt.gguf: `make lm-table`) ranking those; and the n-grams alone. Weights of ranking, in brackets, are
# those that `lm score --tune` finds on 500 lines of other text that nothing was trained on.
program=$1 texts=${TING_TEXTS:-../shared} out=${P2H_TABLE:-build/p2h-table} gpt=${LM_TABLE:-build/lm-table}/gpt.gguf
[ -d "$texts/text/train" ] || { echo "# skipped: no texts in $texts (TING_TEXTS)"; exit 0; }
[ -s "$gpt" ] || { echo "no $gpt: make lm-table first" >&2; exit 1; }
mkdir -p "$out"
corpus=$out/p2h.corpus ngrams=models/tingxie-lm.gguf
[ -s "$corpus" ] || "$program" data p2h recipes/p2h-data.yaml --base "$texts" -o "$corpus" >&2 || exit 1

train() { # name
    [ -s "$out/$1.gguf" ] && return
    set -- "recipes/p2h-$1.yaml" --corpus "$corpus" -o "$out/$1.training" --export "$out/$1.gguf"
    "$program" train p2h "$1" "$2" "$3" "$4" "$5" >&2 || exit 1
    "$program" train p2h "$@" --licence "Apache-2.0 AND CC-BY-SA-4.0" >&2 || exit 1
}
train s2s
train birnn

numbered() { awk '{ print NR "\t" $0 }'; }
tail -n 2000 "$texts/text/aishell/p2h-dev.tsv" | cut -f2 > "$out/test.pinyin"
tail -n 2000 "$texts/text/aishell/p2h-dev.tsv" | cut -f3 | numbered > "$out/test.tsv"
for file in "$texts"/text/train/*.txt.xz; do xz -dc "$file" | awk 'NR % 500 == 0'; done | grep -v '[0-9A-Za-z]' > "$out/other.txt"
lines=$(wc -l < "$out/other.txt")
awk -v every="$((lines / 500))" 'NR % every == 0 && ++kept <= 500' "$out/other.txt" > "$out/tune.txt"
numbered < "$out/tune.txt" > "$out/tune.tsv"
"$program" pinyin -q --other drop < "$out/tune.txt" > "$out/tune.pinyin"

percent() { "$program" score "$out/test.tsv" "$1" 2> /dev/null | awk '/^character error rate/ { print $4; exit }'; }
alone() { # options of p2h
    "$program" p2h "$@" "$out/test.pinyin" 2> /dev/null | numbered > "$out/heard.tsv"
    percent "$out/heard.tsv"
}
lists() { # options of p2h: the 16 best lines of each line
    for set in tune test; do
        "$program" p2h --nbest 16 "$@" "$out/$set.pinyin" > "$out/$set.lists" 2> /dev/null
    done
}
ranked() { # language model, for the lists that are there
    weights=$("$program" lm score "$1" "$out/tune.lists" --tune "$out/tune.tsv" 2>&1 > /dev/null |
        sed -n 's/.*with the weights given, .* with \(--lm-weight [^,]*\) --weights .*/\1/p')
    "$program" lm score "$1" "$out/test.lists" $weights 2> /dev/null > "$out/heard.tsv"
    echo "$(percent "$out/heard.tsv") ($(echo "$weights" | cut -d' ' -f2))"
}

echo "| network | alone | n-grams in the search | n-grams rank | gpt ranks | n-grams in the search, gpt ranks |"
echo "|---|---|---|---|---|---|"
echo "| n-grams alone (Viterbi) | $(alone --lm-weight 100) | | | | |"
lists --lm-weight 0
row="$(alone --lm-weight 0) | $(alone) | $(ranked "$ngrams") | $(ranked "$gpt")"
lists
echo "| one-to-one | $row | $(ranked "$gpt") |"
for network in s2s birnn; do
    lists -m "$out/$network.gguf" --lm-weight 0
    echo "| $network | $(alone -m "$out/$network.gguf" --lm-weight 0) | | $(ranked "$ngrams") | $(ranked "$gpt") | |"
done
