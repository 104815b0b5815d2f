#!/bin/sh
# `make eval`: error rates on recorded speech: the unseen speaker S0252 (98 sentences), dev-many (27 speakers) and words of
# two unseen speakers, greedy and beam: syllable error rate with and without tone against dev-pinyin.tsv (words: the manifest's
# pinyin), character error rate against the manifest.
# Of models/tingxie.gguf and of the public model, where they are; or of those that MODEL names. TING_SPEECH is the folder of the
# recordings (default ../shared/speech), TING_MODELS that of the public model (default ../shared/models).
program=$1
speech=${TING_SPEECH:-../shared/speech}
public=${TING_MODELS:-../shared/models}/zipformer-wenetspeech-3.3m
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
[ -f "$speech/manifest.tsv" ] || { echo "make eval: no manifest.tsv in $speech (TING_SPEECH)" >&2; exit 1; }

# list NAME AWK-CONDITION: paths and references of a part
list() {
    awk -F'\t' "NR > 1 && $2 {print \"$speech/\" \$2}" "$speech/manifest.tsv" >"$out/$1.list"
    awk -F'\t' "NR > 1 && $2 {print \$1 \"\t\" \$6}" "$speech/manifest.tsv" >"$out/$1.text"
    cut -f 1 "$out/$1.text" | awk -F'\t' 'NR == FNR {want[$1]; next} $1 in want {print $1 "\t" $2}' - "$speech/dev-pinyin.tsv" >"$out/$1.pinyin"
}
list S0252 '$3 == "dev" && $4 == "S0252"'
list dev-many '$3 == "dev-many"'
list words '$3 == "dev" && $8 == "dspspeech"'
awk -F'\t' 'NR > 1 && $3 == "dev" && $8 == "dspspeech" {print $1 "\t" $7}' "$speech/manifest.tsv" >"$out/words.pinyin"

for model in ${MODEL:-models/tingxie.gguf "$public"}; do
    [ -e "$model" ] || { echo "make eval: no $model: not measured" >&2; continue; }
    for part in S0252 dev-many words; do
        for decoding in greedy beam; do
            echo "== $(basename "$model"), $part, $decoding"
            "$program" transcribe --quiet -m "$model" --decoding "$decoding" --pinyin "@$out/$part.list" >"$out/$part.$decoding.pinyin" || exit 1
            "$program" transcribe --quiet -m "$model" --decoding "$decoding" "@$out/$part.list" >"$out/$part.$decoding.text" || exit 1
            "$program" score "$out/$part.pinyin" "$out/$part.$decoding.pinyin" || exit 1
            "$program" score "$out/$part.text" "$out/$part.$decoding.text" || exit 1
        done
    done
done
