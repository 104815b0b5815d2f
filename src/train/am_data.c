/* SPDX-License-Identifier: Apache-2.0 */
/* am_data.c - see am_data.h. */
#include "train/am_data.h"

#include "base/file.h"
#include "base/mem.h"

/* The first manifest that is not there, owned; NULL: all are. */
static ting_err find_missing(const ting_am_source *sources, int count, const char *folder, char **out)
{
    for (int i = 0; i < count && *out == NULL; i++) {
        char *path = ting_path_under(folder, sources[i].manifest);
        if (path == NULL)
            return TING_ERR_MEMORY;
        if (ting_file_exists(path))
            ting_free(path);
        else
            *out = path;
    }
    return TING_OK;
}

typedef struct preparing { /* the caller, as a corpus being prepared sees him */
    const ting_train_options *options;
    const ting_log *log;
    size_t said; /* tenths */
} preparing;

static void show(void *self, size_t done, size_t clips)
{
    preparing *p = self;
    const size_t tenths = clips > 0 ? 10 * done / clips : 0;
    if (tenths > p->said)
        ting_log_write(p->log, TING_LOG_INFO, "%s: %zu of %zu recordings", p->options->corpus, done, clips);
    p->said = tenths > p->said ? tenths : p->said;
}

static int stop(void *self)
{
    const preparing *p = self;
    return p->options->stop != NULL && p->options->stop(p->options->self) != 0;
}

static ting_err prepare(const ting_am_recipe *r, const ting_train_options *o, const char *folder, const ting_log *log)
{
    ting_err err = TING_OK;
    ting_corpus_counts counts;
    preparing self = {.options = o, .log = log};
    ting_log_write(log, TING_LOG_INFO, "%s: looking for the recordings of %s", o->corpus, r->corpus);
    TRY(ting_prepare_corpus(&(ting_corpus_options){.corpus = r->corpus,
                                                   .folder = o->corpus,
                                                   .output = folder,
                                                   .validated = r->validated,
                                                   .threads = o->threads,
                                                   .remarks = o->remarks,
                                                   .progress = show,
                                                   .stop = stop,
                                                   .self = &self},
                            &counts));
    for (int p = 0; p < counts.part_count; p++)
        ting_log_write(log, TING_LOG_INFO, "%s/%s.tsv: %zu clips, %.2f hours", folder, counts.parts[p].name,
                       counts.parts[p].clips, counts.parts[p].seconds / 3600);
    ting_log_write(log, TING_LOG_INFO, "%s (%s), licence %s", counts.title, counts.source, counts.licence);
out:
    return err;
}

ting_err ting_am_data(const ting_am_recipe *r, const ting_train_options *o, const ting_log *log, char **out)
{
    ting_err err = TING_OK;
    char *missing = NULL;
    *out = NULL;
    if (o->corpus != NULL && r->corpus == NULL)
        FAIL(TING_ERR_ARGUMENT, "%s: the recipe names no corpus, so a folder of one is of no use", r->path);
    if (o->data != NULL || r->corpus != NULL) {
        *out = o->data != NULL ? ting_strdup(o->data) : ting_path_join(o->folder, "data");
        if (*out == NULL)
            return TING_ERR_MEMORY;
    }
    if (r->corpus == NULL)
        goto out;
    TRY(find_missing(r->train, r->train_count, *out, &missing));
    TRY(find_missing(r->measure, r->measure_count, *out, &missing));
    if (missing != NULL && o->corpus == NULL)
        FAIL(TING_ERR_ARGUMENT, "%s: there is no such file; name the folder of the corpus %s, and it is made", missing,
             r->corpus);
    if (missing != NULL)
        TRY(prepare(r, o, *out, log));
out:
    ting_free(missing);
    return err;
}
