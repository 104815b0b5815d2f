/* SPDX-License-Identifier: Apache-2.0 */
/* completion.c - bash and zsh completion from the tables: commands, options, words of choices, paths. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static void bash_options(FILE *out, const ting_command *command)
{
    for (const ting_option *option = command->options; option->name != NULL; option++) {
        fprintf(out, " --%s%s", option->name, option->kind == TING_OPTION_FLAG || option->bare ? "" : "=");
        if (option->negatable)
            fprintf(out, " --no-%s", option->name);
    }
    fputs(" --quiet --help", out);
}

/* What may stand after --name or -x of one command. */
static void bash_values(FILE *out, const ting_command *command)
{
    for (const ting_option *option = command->options; option->name != NULL; option++) {
        if (option->kind == TING_OPTION_FLAG)
            continue;
        fprintf(out, "    '%s:--%s'", command->name, option->name);
        if (option->letter != 0)
            fprintf(out, "|'%s:-%c'", command->name, option->letter);
        if (option->choices != NULL)
            fprintf(out, ") COMPREPLY=($(compgen -W '%s' -- \"$word\")); return;;\n", option->choices);
        else if (option->kind == TING_OPTION_FILE)
            fputs(") COMPREPLY=($(compgen -f -- \"$word\")); return;;\n", out);
        else if (option->kind == TING_OPTION_FOLDER)
            fputs(") COMPREPLY=($(compgen -d -- \"$word\")); return;;\n", out);
        else
            fputs(") return;;\n", out);
    }
}

void ting_completion_bash(FILE *out)
{
    fputs("# bash completion for tingxie\n"
          "_tingxie() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local command=${COMP_WORDS[1]} options=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$word\" = = ]; then word=; elif [ \"$before\" = = ]; then "
          "before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          out);
    for (int i = 0; ting_commands[i] != NULL; i++)
        fprintf(out, "%.*s ", (int)strcspn(ting_commands[i]->name, " "), ting_commands[i]->name);
    fputs("--help --version' -- \"$word\"))\n        return\n    fi\n", out);
    fputs("    case $command in\n", out);
    for (int i = 0; ting_commands[i] != NULL; i++) {
        const char *space = strchr(ting_commands[i]->name, ' ');
        if (space == NULL)
            continue;
        int first = (int)(space - ting_commands[i]->name);
        fprintf(out,
                "    '%.*s') [ \"$COMP_CWORD\" -gt 2 ] || { COMPREPLY=($(compgen -W '%s' -- \"$word\")); "
                "return; }; command=\"$command ${COMP_WORDS[2]}\";;\n",
                first, ting_commands[i]->name, space + 1);
    }
    fputs("    esac\n    case $command:$before in\n", out);
    for (int i = 0; ting_commands[i] != NULL; i++)
        bash_values(out, ting_commands[i]);
    fputs("    esac\n    case $command in\n", out);
    for (int i = 0; ting_commands[i] != NULL; i++) {
        fprintf(out, "    '%s') options='", ting_commands[i]->name);
        bash_options(out, ting_commands[i]);
        fputs("';;\n", out);
    }
    fputs("    esac\n"
          "    case $word in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
          "        [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace;;\n"
          "    *) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\"));;\n"
          "    esac\n"
          "}\n"
          "complete -F _tingxie tingxie\n",
          out);
}

/* Text inside single quotes and inside zsh's [..] and :..: of _arguments. */
static void zsh_text(FILE *out, const char *words)
{
    for (const char *c = words; *c != '\0'; c++) {
        if (*c == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *c) != NULL)
            fprintf(out, "\\%c", *c);
        else
            fputc(*c, out);
    }
}

static void zsh_option(FILE *out, const ting_option *option)
{
    const char *repeat = option->kind == TING_OPTION_LIST ? "*" : "";
    const char *equals = option->kind == TING_OPTION_FLAG ? "" : option->bare != NULL ? "=-" : "=";
    for (int form = option->letter != 0 ? 0 : 1; form < 2; form++) {
        if (form == 0)
            fprintf(out, " \\\n        '%s-%c%s[", repeat, option->letter, option->kind == TING_OPTION_FLAG ? "" : "+");
        else
            fprintf(out, " \\\n        '%s--%s%s[", repeat, option->name, equals);
        zsh_text(out, option->help);
        fputc(']', out);
        if (option->kind != TING_OPTION_FLAG) {
            fprintf(out, "%s:", option->bare != NULL ? ":" : "");
            zsh_text(out, option->value);
            fputc(':', out);
        }
        if (option->choices != NULL)
            fprintf(out, "(%s)", option->choices);
        else if (option->kind == TING_OPTION_FILE)
            fputs("_files", out);
        else if (option->kind == TING_OPTION_FOLDER)
            fputs("_files -/", out);
        fputc('\'', out);
    }
}

void ting_completion_zsh(FILE *out)
{
    fputs("#compdef tingxie\n"
          "_tingxie() {\n"
          "    local -a commands\n"
          "    commands=(\n",
          out);
    for (int i = 0; ting_commands[i] != NULL; i++) {
        fputs("        '", out);
        zsh_text(out, ting_commands[i]->name);
        fputc(':', out);
        zsh_text(out, ting_commands[i]->summary);
        fputs("'\n", out);
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
          "    local command=${words[2]}\n"
          "    case \"${words[2]} ${words[3]}\" in\n",
          out);
    for (int i = 0; ting_commands[i] != NULL; i++) {
        if (strchr(ting_commands[i]->name, ' ') != NULL)
            fprintf(out, "    '%s') command='%s'; words=(\"${words[@]:1}\"); (( CURRENT-- ));;\n",
                    ting_commands[i]->name, ting_commands[i]->name);
    }
    fputs("    esac\n    words=(\"${words[@]:1}\"); (( CURRENT-- ))\n    case $command in\n", out);
    for (int i = 0; ting_commands[i] != NULL; i++) {
        fprintf(out, "    '%s') _arguments -s", ting_commands[i]->name);
        for (const ting_option *option = ting_commands[i]->options; option->name != NULL; option++)
            zsh_option(out, option);
        fputs(" \\\n        '(-q --quiet)'{-q,--quiet}'[errors only]' "
              "'(-h --help)'{-h,--help}'[short help]' '*:file:_files';;\n",
              out);
    }
    fputs("    esac\n}\n_tingxie \"$@\"\n", out);
}
