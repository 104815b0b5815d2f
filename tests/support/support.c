/* SPDX-License-Identifier: Apache-2.0 */
/* support.c - see support.h. */
#include "support/support.h"

#include "base/file.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ting_assert_fails(ting_err code, const char *part, ting_err got, const char *text)
{
    if (got != code)
        fail_msg("%s: expected error '%s', got '%s' (%s)", text, ting_error_name(code),
                 ting_error_name(got), got == TING_OK ? "" : ting_error_message());
    if (strstr(ting_error_message(), part) == NULL)
        fail_msg("%s: the message \"%s\" lacks \"%s\"", text, ting_error_message(), part);
}

void ting_assert_close(const float *got, const float *want, size_t count, double tolerance,
                       const char *what)
{
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - (double)want[i]);
        if (!(difference <= tolerance) && !(isinf(got[i]) && got[i] == want[i]))
            fail_msg("%s[%zu]: got %.9g, want %.9g, tolerance %.3g", what, i, (double)got[i],
                     (double)want[i], tolerance);
    }
}

static char folder[64];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

char *ting_temp_path(const char *name)
{
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "%s/tingxie-test-XXXXXX", "/tmp");
        if (mkdtemp(folder) == NULL)
            fail_msg("no temporary folder could be made");
        atexit(remove_folder);
    }
    return ting_path_join(folder, name);
}

char *ting_temp_text(const char *name, const char *text)
{
    char *path = ting_temp_path(name);
    assert_ok(ting_file_save(path, text, strlen(text)));
    return path;
}
