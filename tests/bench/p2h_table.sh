#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# p2h_table.sh PROGRAM - every way from pinyin to hanzi on the same lines: `make p2h-table`.
#
# Trains recipes/p2h-s2s.yaml and recipes/p2h-birnn.yaml in P2H_TABLE (default build/p2h-table; a training goes on where it stopped), from
# the texts that recipes/p2h-data.yaml names below TING_TEXTS (default ../shared). Then a row of Markdown for each network: characters wrong,
# in %, of the last 2,000 lines of p2h-dev.tsv alone, with the n-grams that ship in the search (one-to-one) or ranking 16 lines, and with
# LM_TABLE's gpt (default build/lm-table/gpt.gguf: `make lm-table`) ranking those; and the n-grams alone. A weight of ranking is the best of
# 0.1, 0.2, 0.3, 0.5, 0.8 on 500 lines of other text that nothing was trained on.
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

wrong() { # set, options of p2h
    set=$1
    shift
    "$program" p2h "$@" "$out/$set.pinyin" 2> /dev/null | numbered > "$out/heard.tsv"
    "$program" score "$out/$set.tsv" "$out/heard.tsv" 2> /dev/null | awk '/^character error rate/ { print $4; exit }'
}
ranked() { # language model, options of p2h
    lm=$1
    shift
    best=$(for weight in 0.1 0.2 0.3 0.5 0.8; do
        echo "$(wrong tune "$@" --rescore-lm "$lm" --rescore-weight $weight) $weight"
    done | sort -n | head -n 1 | cut -d' ' -f2)
    echo "$(wrong test "$@" --rescore-lm "$lm" --rescore-weight "$best") ($best)"
}

echo "| network | alone | n-grams in the search | n-grams rank | gpt ranks | n-grams in the search, gpt ranks |"
echo "|---|---|---|---|---|---|"
echo "| n-grams alone (Viterbi) | $(wrong test --lm-weight 100) | | | | |"
echo "| one-to-one | $(wrong test --lm-weight 0) | $(wrong test) | $(ranked "$ngrams" --lm-weight 0) | $(ranked "$gpt" --lm-weight 0) | $(ranked "$gpt") |"
for network in s2s birnn; do
    model="-m $out/$network.gguf"
    echo "| $network | $(wrong test $model --lm-weight 0) | | $(ranked "$ngrams" $model --lm-weight 0) | $(ranked "$gpt" $model --lm-weight 0) | |"
done
