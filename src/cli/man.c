/* SPDX-License-Identifier: Apache-2.0 */
/* man.c - manual pages in man(7) form from the tables: tingxie(1), and one page per command. */
#include "cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Text with the characters escaped that troff would take for its own. */
static void text(FILE *out, const char *words)
{
    for (const char *c = words; *c != '\0'; c++) {
        if (c == words || c[-1] == '\n') {
            if (*c == '.' || *c == '\'')
                fputs("\\&", out);
        }
        if (*c == '\n' && c[1] == '\n') {
            fputs("\n.PP", out);
            c++;
        }
        if (*c == '\\')
            fputs("\\e", out);
        else if (*c == '-')
            fputs("\\-", out);
        else
            fputc(*c, out);
    }
}

static void heading(FILE *out, const char *name, const char *summary)
{
    char dashed[64];
    snprintf(dashed, sizeof dashed, "%s", name);
    for (char *c = dashed; *c != '\0'; c++)
        *c = *c == ' ' ? '-' : *c;
    fputs(".TH \"", out);
    for (const char *c = dashed; *c != '\0'; c++)
        fputc(toupper((unsigned char)*c), out);
    fprintf(out, "\" 1 \"\" \"tingxie %s\" \"tingxie\"\n.SH NAME\n", ting_version());
    text(out, dashed);
    fputs(" \\- ", out);
    text(out, summary);
    fputs("\n.SH SYNOPSIS\n.B ", out);
    text(out, name);
    fputc('\n', out);
}

static void option_entry(FILE *out, const ting_option *option, const void *defaults)
{
    char label[128], value[128] = "";
    ting_option_label(option, label, sizeof label);
    fputs(".TP\n.B ", out);
    text(out, label + strspn(label, " "));
    fputc('\n', out);
    text(out, option->help);
    if (option->choices != NULL) {
        fputs(": ", out);
        text(out, option->choices);
    }
    if (defaults != NULL || option->unset != NULL)
        ting_option_default(option, defaults, value, sizeof value);
    if (value[0] != '\0') {
        fputs(" (default: ", out);
        text(out, value);
        fputs(")", out);
    }
    fputs(".\n", out);
}

void ting_man_command(FILE *out, const ting_command *command)
{
    char name[64];
    snprintf(name, sizeof name, "tingxie %s", command->name);
    heading(out, name, command->summary);
    text(out, command->usage);
    fputs("\n.SH DESCRIPTION\n", out);
    text(out, command->description);
    fputs("\n.SH OPTIONS\n", out);
    for (const ting_option *option = command->options; option->name != NULL; option++)
        option_entry(out, option, command->defaults);
    fputs(".TP\n.B \\-q, \\-\\-quiet\nNo progress and no remarks, errors only.\n"
          ".TP\n.B \\-h, \\-\\-help\nPrints a short help.\n.SH EXAMPLES\n",
          out);
    for (const ting_example *example = command->examples; example->line != NULL; example++) {
        fputs(".TP\n.B ", out);
        text(out, example->line);
        fputc('\n', out);
        text(out, example->what);
        fputc('\n', out);
    }
    fputs(".SH EXIT STATUS\n0 all well, 1 some inputs failed, 2 wrong command line, 130 interrupted.\n"
          ".SH SEE ALSO\n.BR tingxie (1)\n",
          out);
}

void ting_man_program(FILE *out)
{
    heading(out, "tingxie", "Mandarin speech to text, and the training of its models");
    fputs(".I COMMAND\n[\\fIOPTION\\fR]... [\\fIINPUT\\fR]...\n.SH DESCRIPTION\n"
          "One program that turns Mandarin recordings into hanzi with times, confidence and pinyin, and\n"
          "that trains the models it runs. Only results go to standard output.\n.SH COMMANDS\n",
          out);
    for (int i = 0; ting_commands[i] != NULL; i++) {
        fputs(".TP\n.B ", out);
        text(out, ting_commands[i]->name);
        fputc('\n', out);
        text(out, ting_commands[i]->summary);
        fputs(".\n", out);
    }
    fputs(".SH ENVIRONMENT\n.TP\n.B TING_MODELS\nThe folder that is searched for models first.\n"
          ".TP\n.B TING_CPU\nThe highest processor level to use: scalar, avx2, avx512, vnni, amx; neon,\n"
          "dotprod.\n.SH EXIT STATUS\n"
          "0 all well, 1 some inputs failed, 2 wrong command line, 130 interrupted.\n",
          out);
}
