/* SPDX-License-Identifier: Apache-2.0 */
/* manifest_write.c - see manifest_write.h. */
#include "data/manifest_write.h"

#include "base/mem.h"
#include "base/tsv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static ting_err working_directory(char **out)
{
    ting_err err = TING_OK;
    for (size_t room = 256; *out == NULL; room *= 2) {
        char *here = ting_alloc(room, 1);
        if (here == NULL)
            return TING_ERR_MEMORY;
        if (getcwd(here, room) != NULL) {
            *out = here;
            break;
        }
        ting_free(here);
        if (errno != ERANGE)
            FAIL(TING_ERR_IO, "the working directory cannot be found out: %s", strerror(errno));
    }
out:
    return err;
}

ting_err ting_manifest_create(const char *path, ting_manifest_writer *out)
{
    ting_err err = TING_OK;
    *out = (ting_manifest_writer){0};
    TRY(working_directory(&out->here));
    TRY(ting_file_create(path, &out->file));
    fputs("id\tpath\tspeaker\tstart\tseconds\ttext\tpinyin\n", out->file.stream);
out:
    if (err != TING_OK)
        ting_manifest_abandon(out);
    return err;
}

static void add_text(ting_str *row, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        ting_str_add_bytes(row, ting_is_space(*text) ? " " : text, 1);
}

static void add_seconds(ting_str *row, double seconds)
{
    if (seconds >= 0)
        ting_str_addf(row, "%.7g", seconds);
}

ting_err ting_manifest_put(ting_manifest_writer *writer, const ting_clip *clip)
{
    ting_err err = TING_OK;
    ting_str *row = &writer->row;
    const char *path = clip->path;
    if (strpbrk(clip->id, "\t\r\n") != NULL || strpbrk(path, "\t\r\n") != NULL)
        FAIL(TING_ERR_FORMAT, "%s: a tab or line end is in its id or path, and cannot be in a table", path);
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    ting_str_clear(row);
    ting_str_addf(row, "%s\t%s%s%s\t", clip->id, path[0] == '/' ? "" : writer->here, path[0] == '/' ? "" : "/", path);
    add_text(row, clip->speaker);
    ting_str_add(row, "\t");
    add_seconds(row, clip->start);
    ting_str_add(row, "\t");
    add_seconds(row, clip->seconds);
    ting_str_add(row, "\t");
    add_text(row, clip->text);
    ting_str_add(row, "\t");
    add_text(row, clip->pinyin);
    ting_str_add(row, "\n");
    if (!ting_str_ok(row))
        FAIL(TING_ERR_MEMORY, "no memory for a line of a manifest");
    if (fwrite(row->text, 1, row->length, writer->file.stream) != row->length)
        FAIL(TING_ERR_IO, "%s: cannot be written: %s", writer->file.path, strerror(errno));
out:
    return err;
}

ting_err ting_manifest_commit(ting_manifest_writer *writer)
{
    return ting_file_commit(&writer->file);
}

void ting_manifest_abandon(ting_manifest_writer *writer)
{
    ting_file_abandon(&writer->file);
    ting_str_free(&writer->row);
    ting_free(writer->here);
    writer->here = NULL;
}
