/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pinyin.c - tingxie pinyin: text to toned pinyin, one line out for each line in. */
#include "cli/cli.h"
#include "cli/lines.h"
#include "engine/tool_pinyin.h"

#include <string.h>

struct options {
    const char *lexicon, *polyphones;
    ting_values tables;
    int notation, other, format, sandhi;
    bool no_phrases, convert;
};

static ting_exit put_line(ting_cli *cli, ting_tool_pinyin *tool, const char *line, size_t length, ting_str *out)
{
    ting_str_clear(out);
    ting_err err = ting_tool_pinyin_line(tool, line, length, out);
    if (err != TING_OK)
        return ting_cli_error(cli, err);
    if (fwrite(out->text, 1, out->length, stdout) != out->length)
        return TING_EXIT_FAILED; /* main says that standard output failed */
    return TING_EXIT_OK;
}

/* Lines of any length, with any bytes, from standard input. */
static ting_exit read_lines(ting_cli *cli, ting_tool_pinyin *tool, ting_str *out)
{
    ting_exit status = TING_EXIT_OK;
    ting_text text;
    char *line;
    size_t length;
    ting_err err = ting_text_open("-", &text);
    while (err == TING_OK && status == TING_EXIT_OK && ting_text_next(&text, &line, &length))
        status = put_line(cli, tool, line, length, out);
    if (status == TING_EXIT_OK && text.err != TING_OK)
        status = ting_cli_error(cli, text.err);
    ting_text_close(&text);
    return status;
}

/* What a reader of the pinyin should know; nothing when there is nothing to tell. */
static void say_counts(ting_cli *cli, const struct options *o, ting_tool_pinyin_counts counts)
{
    if (cli->quiet)
        return;
    if (o->convert && counts.others > 0)
        ting_cli_say(cli, "%ld words are no pinyin", counts.others);
    if (!o->convert && counts.others + counts.unknown + counts.malformed > 0)
        ting_cli_say(cli, "without a syllable: %ld characters that are no hanzi, %ld hanzi without a reading, %ld bytes "
                          "that are not UTF-8",
                     counts.others, counts.unknown, counts.malformed);
}

static ting_exit run(ting_cli *cli, const void *fields)
{
    const struct options *o = fields;
    const ting_tool_pinyin_options options = {
        .lexicon = o->lexicon,
        .first = o->tables.items,
        .first_count = o->tables.count,
        .polyphones = o->polyphones != NULL && strcmp(o->polyphones, "auto") == 0 ? "" : o->polyphones,
        .no_phrases = o->no_phrases,
        .sandhi = (ting_tool_sandhi)o->sandhi,
        .convert = o->convert,
        .notation = (ting_tool_notation)o->notation,
        .other = (ting_tool_other)o->other,
        .format = (ting_tool_pinyin_format)o->format,
    };
    ting_tool_pinyin *tool;
    ting_str out = {0};
    if (o->no_phrases && o->polyphones == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "--no-phrases goes with --polyphones: without phrases the polyphone model reads");
    ting_err err = ting_tool_pinyin_open(&options, &tool);
    if (err != TING_OK)
        return ting_cli_error(cli, err);
    ting_cli_catch_interrupt();
    ting_exit status = TING_EXIT_OK;
    for (int i = 0; i < cli->input_count && status == TING_EXIT_OK; i++)
        status = put_line(cli, tool, cli->inputs[i], strlen(cli->inputs[i]), &out);
    if (cli->input_count == 0)
        status = read_lines(cli, tool, &out);
    say_counts(cli, o, ting_tool_pinyin_counts_so_far(tool));
    ting_tool_pinyin_close(tool);
    ting_str_free(&out);
    return status;
}

static const ting_option table[] = {
    {'n', "notation", TING_OPTION_CHOICE, offsetof(struct options, notation), "NOTATION",
     "zhong1 guo2, zhōng guó, zh ōng g uó, or zhong guo", .choices = "numbered marked tokens plain"},
    {'f', "format", TING_OPTION_CHOICE, offsetof(struct options, format), "FORMAT",
     "a line of syllables, a line for each character (character, syllable, source), or JSON lines",
     .choices = "text tsv json"},
    {0, "other", TING_OPTION_CHOICE, offsetof(struct options, other), "WHAT",
     "what becomes of characters that have no syllable: kept, dropped, or each marked by a question mark",
     .choices = "keep drop mark"},
    {'s', "sandhi", TING_OPTION_CHOICE, offsetof(struct options, sandhi), "WHERE",
     "the tones of 一 and 不 as spoken (yi2 ge4, bu2 shi4): nowhere, where the phrase table has them so, or by rule",
     .choices = "none table spoken"},
    {'c', "convert", TING_OPTION_FLAG, offsetof(struct options, convert), NULL,
     "the input is pinyin in any notation: change the notation"},
    {'t', "table", TING_OPTION_LIST, offsetof(struct options, tables), "FILE",
     "own readings, which win: hanzi, a tab, syllables; may be given several times"},
    {0, "lexicon", TING_OPTION_FOLDER, offsetof(struct options, lexicon), "DIR", "folder of the pinyin tables",
     .unset = "lexicon in the model folders"},
    {0, "polyphones", TING_OPTION_FOLDER, offsetof(struct options, polyphones), "DIR",
     "outside phrases the g2pM model in DIR (without a value: g2pm in the model folders) chooses among readings",
     .bare = "auto", .unset = "the commonest reading"},
    {0, "no-phrases", TING_OPTION_FLAG, offsetof(struct options, no_phrases), NULL,
     "with --polyphones: no phrase tables, the model reads everything it knows"},
    {0},
};

static const ting_example examples[] = {
    {"tingxie pinyin 我在银行长大", "wo3 zai4 yin2 hang2 zhang3 da4"},
    {"tingxie pinyin -n marked < text.txt", "one line of pinyin for each line of text"},
    {"tingxie pinyin -f tsv 重庆", "where each reading comes from"},
    {"echo 'zhōng guó' | tingxie pinyin -c", "zhong1 guo2"},
    {0},
};

const ting_command ting_command_pinyin = {
    .name = "pinyin",
    .summary = "turns text into toned pinyin",
    .usage = "[OPTION]... [TEXT]...",
    .description =
        "Prints one line of toned pinyin for each TEXT, or for each line of standard input. The longest phrase of the "
        "tables gives the readings; outside phrases the commonest is taken, or a polyphone model chooses "
        "(measured: docs/TEXT.md). Latin letters, digits and punctuation are passed through and counted, never guessed.\n\n"
        "Tone 5 is the neutral tone; ü is written v in numbered syllables.",
    .options = table,
    .examples = examples,
    .size = sizeof(struct options),
    .max_inputs = -1,
    .run = run,
};
