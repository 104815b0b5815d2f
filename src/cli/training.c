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
    ting_training_session *s = self;
    const char *comma = r->note[0] != '\0' ? ", " : "";
    char speed[96], left[32];
    if (!s->begun) {
        ting_progress_begin(&s->bar, s->cli, s->command, (double)r->steps, "steps");
        s->bar.first = (double)r->step; /* a training that goes on has not done all of it now */
    }
    s->begun = true;
    if (r->sound_per_second >= 0)
        snprintf(speed, sizeof speed, "%.3g s of sound/s, %.0f MB a step", r->sound_per_second, r->activations / 1e6);
    else
        snprintf(speed, sizeof speed, "%.0f %s/s, %.0f MB a step", r->units_per_second, s->unit,
                 r->activations / 1e6);
    write_time_left(r->seconds_left, left, sizeof left);
    snprintf(s->note, sizeof s->note, "loss %.4f%s%s, %s", r->loss, comma, r->note, speed);
    ting_progress_update(&s->bar, (double)r->step, s->note);
    if (r->errors >= 0 && !s->cli->quiet)
        ting_cli_say(s->cli, "step %ld, epoch %d: loss %.4f%s%s, held-out %s %.2f%s, rate %.3g, %s, %s", r->step, r->epoch, r->loss,
                     comma, r->note, r->error_name, (r->plain_errors ? 1 : 100) * r->errors, r->plain_errors ? "" : " %", r->rate, speed,
                     left);
}

void ting_training_end(ting_training_session *session)
{
    if (session->begun)
        ting_progress_end(&session->bar);
}

/* The first option that is about an export, where there is none; NULL: all is well. */
static const char *without_export(const ting_training_fields *f)
{
    if (f->export_path != NULL)
        return NULL;
    return f->mean > 0 ? "--average" : f->type >= 0 ? "--type" : f->licence != NULL ? "--licence" : f->authors != NULL ? "--authors" : NULL;
}

static ting_err check_export(const char *export_path, const ting_train_options *options)
{
    const char *const others[] = {options->recipe, options->data, options->from, options->teacher};
    ting_err err = TING_OK;
    const char *name = strrchr(export_path, '.');
    if (name == NULL || strcmp(name, ".gguf") != 0)
        FAIL(TING_ERR_ARGUMENT, "%s: a model file's name ends in .gguf", export_path);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] != NULL)
            TRY(ting_file_apart(others[i], export_path));
out:
    return err;
}

ting_exit ting_training_run(ting_cli *cli, const ting_training_kind *kind, const ting_training_fields *fields,
                            ting_train_options options)
{
    ting_training_session own = {.cli = cli, .command = kind->command, .unit = kind->unit};
    const char *idle = without_export(fields);
    if (fields->folder == NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "name the folder to train in with -o DIR");
    if (idle != NULL)
        return ting_cli_fail(cli, TING_EXIT_USAGE, "%s says what --export FILE writes: name the file", idle);
    options.folder = fields->folder;
    options.from = fields->from;
    options.threads = fields->threads;
    options.finish = fields->finish;
    options.mean = fields->mean;
    options.authors = fields->authors;
    options.remarks = (ting_remarks){ting_cli_remark, cli};
    options.report = ting_training_report;
    options.stop = ting_cli_stop;
    options.self = &own;
    ting_err err = fields->export_path != NULL ? check_export(fields->export_path, &options) : TING_OK;
    if (err != TING_OK)
        return ting_cli_wrong(cli, err);
    ting_cli_catch_interrupt();
    err = fields->export_path == NULL
              ? kind->train(&options)
              : kind->export(&options, fields->export_path, fields->type >= 0 ? (ting_export_type)fields->type : TING_EXPORT_F32,
                             fields->licence);
    ting_training_end(&own);
    return err == TING_OK ? TING_EXIT_OK : ting_cli_error(cli, err);
}
