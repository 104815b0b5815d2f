/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - --help from the tables: of the program, and of one command. */
#include "cli/cli.h"

#include "base/cpu.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 80, OPTION_COLUMN = 28 };

void ting_option_label(const ting_option *option, char *out, size_t room)
{
    char letter[8] = "    ";
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    const char *open = option->bare != NULL ? "[=" : "=", *close = option->bare != NULL ? "]" : "";
    if (option->kind == TING_OPTION_FLAG)
        snprintf(out, room, "%s--%s%s", letter, option->negatable ? "[no-]" : "", option->name);
    else
        snprintf(out, room, "%s--%s%s%s%s", letter, option->name, open, option->value, close);
}

/* Columns a text takes on a terminal: hanzi take two. */
static int width(const char *text, size_t length)
{
    int columns = 0;
    for (size_t at = 0; at < length;) {
        uint32_t c = 0;
        int bytes = ting_utf8_decode(text + at, length - at, &c);
        columns += ting_utf8_is_hanzi(c) ? 2 : 1;
        at += bytes > 0 ? (size_t)bytes : 1;
    }
    return columns;
}

/* Words of `text` from column `at` on, wrapped, later lines beginning at `indent`; newlines are kept. */
static void wrap(FILE *out, const char *text, int at, int indent)
{
    while (*text != '\0') {
        size_t length = strcspn(text, " \n");
        int columns = width(text, length);
        if (at > indent && at + 1 + columns > COLUMNS) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            fputc(' ', out);
            at++;
        }
        fprintf(out, "%.*s", (int)length, text);
        at += columns;
        text += length;
        for (; *text == ' ' || *text == '\n'; text++) {
            if (*text != '\n')
                continue;
            fputc('\n', out);
            if (text[1] != '\n' && text[1] != '\0')
                fprintf(out, "%*s", indent, "");
            at = indent;
        }
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const ting_option *option, const void *defaults)
{
    char label[128], value[128] = "", text[1024];
    ting_option_label(option, label, sizeof label);
    if (defaults != NULL || option->unset != NULL)
        ting_option_default(option, defaults, value, sizeof value);
    snprintf(text, sizeof text, "%s%s%s%s%s%s", option->help, option->choices ? ": " : "",
             option->choices ? option->choices : "", value[0] ? " (default: " : "", value,
             value[0] ? ")" : "");
    int at = fprintf(out, "  %s", label);
    if (at > OPTION_COLUMN - 2) {
        fputc('\n', out);
        at = 0;
    }
    fprintf(out, "%*s", OPTION_COLUMN - at, "");
    wrap(out, text, OPTION_COLUMN, OPTION_COLUMN);
}

void ting_help_command(FILE *out, const ting_command *command)
{
    fprintf(out, "tingxie %s: %s\n\nUsage: tingxie %s %s\n\n", command->name, command->summary,
            command->name, command->usage);
    wrap(out, command->description, 0, 0);
    fputs("\nOptions:\n", out);
    for (const ting_option *option = command->options; option->name != NULL; option++)
        print_option(out, option, command->defaults);
    const ting_option common[] = {
        {'q', "quiet", TING_OPTION_FLAG, 0, NULL, "no progress and no remarks, errors only"},
        {'h', "help", TING_OPTION_FLAG, 0, NULL, "this text"},
    };
    print_option(out, &common[0], NULL);
    print_option(out, &common[1], NULL);
    fputs("\nExamples:\n", out);
    for (const ting_example *example = command->examples; example->line != NULL; example++) {
        fprintf(out, "  %s\n      ", example->line);
        wrap(out, example->what, 6, 6);
    }
}

/* Commands whose name begins with `first` and a space, or all. */
static void list_commands(FILE *out, const char *first)
{
    const size_t length = first == NULL ? 0 : strlen(first);
    for (int i = 0; ting_commands[i] != NULL; i++) {
        const char *name = ting_commands[i]->name;
        if (first != NULL && (strncmp(name, first, length) != 0 || name[length] != ' '))
            continue;
        int at = fprintf(out, "  %s", name);
        fprintf(out, "%*s", at < 16 ? 16 - at : 1, "");
        wrap(out, ting_commands[i]->summary, 16, 16);
    }
}

void ting_help_group(const char *first)
{
    printf("Commands of tingxie %s:\n", first);
    list_commands(stdout, first);
    printf("\n'tingxie %s COMMAND --help' shows options and examples.\n", first);
}

void ting_help_program(FILE *out)
{
    fputs("tingxie: Mandarin speech to text, and the training of its models\n\n"
          "Usage: tingxie COMMAND [OPTION]... [INPUT]...\n\nCommands:\n",
          out);
    list_commands(out, NULL);
    fputs("\n'tingxie COMMAND --help' shows options and examples; 'tingxie --version' what was built.\n"
          "Exit status: 0 all well, 1 some inputs failed, 2 wrong command line, 130 interrupted.\n"
          "TING_MODELS names a folder with models; TING_CPU steps the processor level down:\n",
          out);
    fprintf(out, "%s.\n", ting_cpu_names());
}
