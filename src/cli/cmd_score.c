/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_score.c - tingxie score REF HYP: error rates and where they come from. */
#include "cli/cli.h"
#include "engine/tool_score.h"

struct options {
    const char *ref_column, *hyp_column, *lexicon;
    int unit, latin, format, confusions;
    bool keep, present, align, calibration;
};

static void say(void *self, const char *sentence)
{
    ting_cli *cli = self;
    if (!cli->quiet)
        ting_cli_say(cli, "%s", sentence);
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    ting_tool_score_result result;
    const ting_tool_score_options options = {
        .ref_column = o->ref_column,
        .hyp_column = o->hyp_column,
        .unit = (ting_tool_unit)o->unit,
        .letters = o->latin == 1,
        .punctuation = o->keep,
        .present_only = o->present,
        .align = o->align,
        .calibration = o->calibration,
        .confusions = o->confusions,
        .json = o->format == 1,
        .lexicon = o->lexicon,
    };
    ting_err err = ting_tool_score(&options, cli->inputs[0], cli->inputs[1], say, cli, stdout, &result);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_wrong(cli, err);
}

static const ting_option table[] = {
    {'a', "align", TING_OPTION_FLAG, offsetof(struct options, align), NULL,
     "every utterance with its alignment and the kind of each error"},
    {'f', "format", TING_OPTION_CHOICE, offsetof(struct options, format), "FORMAT", "how the report is written",
     .choices = "text json"},
    {'u', "unit", TING_OPTION_CHOICE, offsetof(struct options, unit), "UNIT",
     "what is counted; auto takes syllables if one of the files holds pinyin", .choices = "auto char syllable"},
    {'n', "confusions", TING_OPTION_INT, offsetof(struct options, confusions), "N",
     "also the N most frequent errors", .min = 0, .max = 1000000},
    {0, "calibration", TING_OPTION_FLAG, offsetof(struct options, calibration), NULL,
     "also how far the confidences of HYP can be trusted: its third column, or the one named confidence, as tingxie transcribe "
     "--confidence writes it"},
    {0, "ref-column", TING_OPTION_TEXT, offsetof(struct options, ref_column), "NAME",
     "the column of REF to compare, if its first line names columns", .unset = "text, else pinyin"},
    {0, "hyp-column", TING_OPTION_TEXT, offsetof(struct options, hyp_column), "NAME", "the same for HYP",
     .unset = "text, else pinyin"},
    {0, "latin", TING_OPTION_CHOICE, offsetof(struct options, latin), "HOW",
     "whether Latin (and any other alphabet) counts by words or by letters", .choices = "words letters"},
    {'k', "keep-punctuation", TING_OPTION_FLAG, offsetof(struct options, keep), NULL,
     "punctuation, symbols and spaces count as characters"},
    {0, "present", TING_OPTION_FLAG, offsetof(struct options, present), NULL,
     "leave out references that have no hypothesis, instead of counting them as deleted"},
    {0, "lexicon", TING_OPTION_FOLDER, offsetof(struct options, lexicon), "DIR",
     "folder of the pinyin tables, which tell homophones from other errors", .unset = "lexicon in the model folders"},
    {0},
};

static const ting_example examples[] = {
    {"tingxie score manifest.tsv result.tsv", "character error rate, and its substitutions by kind"},
    {"tingxie transcribe dev/ | tingxie score -a manifest.tsv -", "recognises, then shows each alignment"},
    {"tingxie transcribe --confidence dev/ | tingxie score --calibration manifest.tsv -",
     "of the characters with confidence 0.8, are 80 % right?"},
    {"tingxie score --hyp-column greedy ref-pinyin.tsv hyp.tsv", "syllable error rate with and without tone"},
    {0},
};

const ting_command ting_command_score = {
    .name = "score",
    .summary = "compares recognised text with what was said",
    .usage = "[OPTION]... REF HYP",
    .description =
        "Prints the character error rate of HYP against REF: substitutions, deletions and insertions (Levenshtein) over "
        "the characters of REF, summed over all utterances. Substitutions are split by sound: homophone, or wrong tone, "
        "initial, final, or several of them. Where the texts are pinyin, in any notation, the unit is the syllable, and "
        "the rate without tones is given too.\n\n"
        "A file is a manifest (tab separated, its first line names the columns id, path, text, pinyin), TSV (path or "
        "id, tab, text) or Kaldi text (id, space, text); - is standard input. Utterances are matched by id, else by "
        "path, else by file name without folders and extension. References without a hypothesis count as deleted.\n\n"
        "Before comparing, full width becomes half width, capitals become small, and punctuation, symbols and spaces go. "
        "A hanzi and a digit are one unit each, a run of letters of any alphabet is one (a word).",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .min_inputs = 2,
    .max_inputs = 2,
    .run = run,
};
