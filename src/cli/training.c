/* SPDX-License-Identifier: Apache-2.0 */
/* training.c - see training.h. */
#include "cli/training.h"

#include "base/file.h"

#include <string.h>

static void write_time_left(double seconds, char *out, size_t room)
{
    if (seconds < 100)
        snprintf(out, room, "%.0f s left", seconds);
    else if (seconds < 6000)
        snprintf(out, room, "%.0f min left", seconds / 60);
    else
        snprintf(out, room, "%.1f h left", seconds / 3600);
}

void ting_training_report(void *self, const ting_train_report *r)
{
    ting_training_session *session = self;
    const char *comma = r->note[0] != '\0' ? ", " : "";
    char speed[96], left[32];
    if (!session->begun) {
        ting_progress_begin(&session->bar, session->cli, session->command, (double)r->steps, "steps");
        session->bar.first = (double)r->step; /* a training that goes on has not done all of it now */
    }
    session->begun = true;
    if (r->sound_per_second >= 0)
        snprintf(speed, sizeof speed, "%.3g s of sound/s, %.0f MB a step", r->sound_per_second, r->activations / 1e6);
    else
        snprintf(speed, sizeof speed, "%.0f %s/s, %.0f MB a step", r->units_per_second, session->unit,
                 r->activations / 1e6);
    write_time_left(r->seconds_left, left, sizeof left);
    snprintf(session->note, sizeof session->note, "loss %.4f%s%s, %s", r->loss, comma, r->note, speed);
    ting_progress_update(&session->bar, (double)r->step, session->note);
    if (r->errors >= 0 && !session->cli->quiet)
        ting_cli_say(session->cli, "step %ld, epoch %d: loss %.4f%s%s, held-out %s %.2f %%, rate %.3g, %s, %s", r->step,
                     r->epoch, r->loss, comma, r->note, r->error_name, 100 * r->errors, r->rate, speed, left);
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

ting_err ting_training_check_export(const char *export_path, const char *const *others, size_t count)
{
    ting_err err = TING_OK;
    if (export_path == NULL)
        return TING_OK;
    const char *name = strrchr(export_path, '.');
    if (name == NULL || strcmp(name, ".gguf") != 0)
        FAIL(TING_ERR_ARGUMENT, "%s: a model file's name ends in .gguf", export_path);
    for (size_t i = 0; i < count; i++)
        if (others[i] != NULL)
            TRY(ting_file_apart(others[i], export_path));
out:
    return err;
}
