/* SPDX-License-Identifier: Apache-2.0 */
/* training.c - see training.h. */
#include "cli/training.h"

#include "base/file.h"
#include "base/mem.h"

void ting_training_report(void *self, const ting_train_report *r)
{
    ting_training_session *session = self;
    const char *comma = r->note[0] != '\0' ? ", " : "";
    if (!session->begun)
        ting_progress_begin(&session->bar, session->cli, session->command, (double)r->steps, "steps");
    session->begun = true;
    snprintf(session->note, sizeof session->note, "loss %.4f%s%s, %.0f %s/s", r->loss, comma, r->note,
             r->units_per_second, session->unit);
    ting_progress_update(&session->bar, (double)r->step, session->note);
    if (r->errors >= 0 && !session->cli->quiet)
        ting_cli_say(session->cli,
                     "step %ld, epoch %d: loss %.4f%s%s, held-out error rate %.2f %%, rate %.3g, %.0f %s/s", r->step,
                     r->epoch, r->loss, comma, r->note, 100 * r->errors, r->rate, r->units_per_second, session->unit);
}

int ting_training_stop(void *self)
{
    (void)self;
    return ting_cli_interrupted();
}

void ting_training_end(ting_training_session *session)
{
    if (session->begun)
        ting_progress_end(&session->bar);
}

ting_err ting_training_check_export(const char *export_path, const char *folder, const char *const *others,
                                    size_t count)
{
    ting_err err = TING_OK;
    if (export_path == NULL)
        return TING_OK;
    char *checkpoint = ting_path_join(folder, "checkpoint"), *curves = ting_path_join(folder, "curves.html");
    if (checkpoint == NULL || curves == NULL)
        FAIL(TING_ERR_MEMORY, "%s: out of memory", folder);
    TRY(ting_file_apart(checkpoint, export_path));
    TRY(ting_file_apart(curves, export_path));
    for (size_t i = 0; i < count; i++)
        if (others[i] != NULL)
            TRY(ting_file_apart(others[i], export_path));
out:
    ting_free(checkpoint);
    ting_free(curves);
    return err;
}
