/* SPDX-License-Identifier: Apache-2.0 */
/* locale.c - see locale.h. */
#include "support/locale.h"

#include "support/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <locale.h>
#include <stdlib.h>

/* Compiles the locale's source where the machine has it; glibc looks for it in LOCPATH. A folder for each: glibc
 * remembers what it did not find in one. */
static void make_locale(const char *language, const char *charset, const char *name)
{
    char *folder = ting_temp_path(name);
    ting_str command = {0};
    ting_str_addf(&command, "mkdir -p '%s' && localedef -i '%s' -f '%s' --no-archive '%s/%s' >/dev/null 2>&1", folder, language,
                  charset, folder, name);
    if (system(command.text) == 0)
        setenv("LOCPATH", folder, 1);
    ting_str_free(&command);
    ting_free(folder);
}

bool ting_use_locale(const char *language, const char *charset)
{
    ting_str name = {0};
    ting_str_addf(&name, "%s.%s", language, charset);
    bool there = setlocale(LC_ALL, name.text) != NULL;
    if (!there) {
        make_locale(language, charset, name.text);
        there = setlocale(LC_ALL, name.text) != NULL;
    }
    ting_str_free(&name);
    return there;
}
