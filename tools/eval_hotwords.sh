#!/bin/sh
# `make eval-hotwords`: what a list of hotwords finds and what it disturbs (docs/JOINT.md).
#  made: tests/hotwords/names.tsv has 100 rare names and terms, each in two sentences, with a word that sounds nearly the same, which is
#        in the list too, and a sentence that only sounds as if it held the name. Joined from syllables and words of three readers.
#  real: the recordings of S0252 and dev-many; tests/hotwords/real.txt has the names that some of them hold.
# Lists: none, both files' words, and these filled up to 10,000 with words of the lexicon.
# Of models/tingxie.gguf and of the public model, where they are; or of those that MODEL names. TING_SPEECH is the folder of the
# recordings (default ../shared/speech), TING_MODELS that of the public model (default ../shared/models). OPTIONS: more of transcribe's.
program=$1
speech=${TING_SPEECH:-../shared/speech}
public=${TING_MODELS:-../shared/models}/zipformer-wenetspeech-3.3m
out=build/hotwords
names=tests/hotwords/names.tsv real=tests/hotwords/real.txt
[ -f "$speech/manifest.tsv" ] || { echo "# skipped: no manifest.tsv in $speech (TING_SPEECH)"; exit 0; }
mkdir -p "$out" || exit 1

# made.text, near.text: id, tab, text; spoken.txt: what the sound says, in the same order.
awk -F'\t' -v out="$out" 'NR > 1 {
    for (c = 5; c <= 7; c++) {
        text = spoken = $c
        gsub("~", $1, text)
        gsub("~", $3 != "" ? $3 : $1, spoken)
        printf "spliced-%06d\t%s\n", n++, text > (out (c == 7 ? "/near.text" : "/made.text"))
        print spoken > (out "/spoken.txt")
    }
}' "$names"

# Paths of the clips are relative to the speech folder, those of a manifest to itself.
make_sounds() {
    awk -F'\t' -v OFS='\t' -v folder="$(cd "$speech" && pwd)" \
        'NR == 1 {print} NR > 1 && $3 == "train" && $8 ~ /^(mp3-pinyin|audio-cmn-.*)$/ {$2 = folder "/" $2; print}' "$speech/manifest.tsv" \
        >"$out/clips.tsv"
    printf 'faster: 1.4\npause_share: 0\nedge: 0.3\n' >"$out/plan.yaml"
    "$program" data splice --quiet "$out/clips.tsv" --plan "$out/plan.yaml" --each -s "$out/spoken.txt" -o "$out/made"
}
[ "$out/made/spliced.tsv" -nt "$names" ] || make_sounds || exit 1

awk -F'\t' 'NR > 1 && ($3 == "dev-many" || ($3 == "dev" && $4 == "S0252")) {print $1 "\t" $6}' "$speech/manifest.tsv" |
    awk -F'\t' -v out="$out" 'NR == FNR {word[$1]; next} {
        held = 0
        for (w in word) held += index($2, w)
        print > (out (held ? "/real.text" : "/others.text"))
    }' "$real" -
{
    ls "$out"/made/*.wav
    awk -F'\t' -v folder="$speech" 'NR > 1 && ($3 == "dev-many" || ($3 == "dev" && $4 == "S0252")) {print folder "/" $2}' "$speech/manifest.tsv"
} >"$out/sounds.list"

awk -F'\t' 'NR > 1 {print $1 ($2 != "" ? " " $2 : ""); print $4}' "$names" | cat - "$real" >"$out/names.txt"
sed 's/ .*//' "$out/names.txt" >"$out/words.txt"
awk -F'\t' -v want=$((10000 - $(wc -l <"$out/names.txt"))) '{word[NR] = $1} END {
    for (i = 0; i < want; i++) print word[1 + int(i * NR / want)]
}' models/lexicon/phrase-pinyin.tsv | cat "$out/names.txt" - >"$out/10000.txt"

# How often words of the list were said, found and made up in the utterances of $1; and the character error rate.
measure() {
    awk -F'\t' '
        function times(text, word, n, at) {
            for (n = 0; (at = index(text, word)) > 0; n++) text = substr(text, at + length(word))
            return n
        }
        FILENAME == ARGV[1] {word[++words] = $1; next}
        FILENAME == ARGV[2] {ref[$1] = $2; next}
        {sub(/.*\//, "", $1); sub(/\.[a-z0-9]*$/, "", $1); gsub(/ /, "", $2); hyp[$1] = $2}
        END {
            for (id in ref) for (i = 1; i <= words; i++) {
                r = times(ref[id], word[i]); h = times(hyp[id], word[i])
                said += r; found += r < h ? r : h; made += h > r ? h - r : 0
            }
            printf "found %d of %d", found, said
            if (said > 0) printf " (%.1f %%)", 100 * found / said
            printf ", made up %d, ", made
        }' "$out/words.txt" "$out/$1.text" "$2"
    "$program" score --quiet --present "$out/$1.text" "$2" | grep 'error rate'
}

for model in ${MODEL:-models/tingxie.gguf "$public"}; do
    [ -e "$model" ] || { echo "# skipped: no $model" >&2; continue; }
    for list in none names 10000; do
        hyp=$out/$(basename "$model").$list.tsv
        [ $list = none ] && with= || with=--hotwords=$out/$list.txt
        # shellcheck disable=SC2086
        "$program" transcribe --quiet -m "$model" $with $OPTIONS "@$out/sounds.list" >"$hyp" || exit 1
        for part in made near real others; do
            printf '%s, list %s, %s: ' "$(basename "$model")" $list $part
            measure $part "$hyp"
        done
    done
done
