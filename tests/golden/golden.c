/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden.c - the runner: `golden FOLDER` (default tests/golden), a TAP line per file, so that tests/run.sh counts each
 * as a case, then a sum; see golden.h.
 *
 * A file fails when a compared tensor fails or one of a required kind is left uncompared, but for the exemptions below;
 * a kind that is not built counts as skipped. Exit status 0 when none failed.
 */
#include "golden/golden.h"

#include "base/mem.h"
#include "kern/kern.h"
#include "model/safetensors.h"
#include "nn/tape.h"

#include <dirent.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Float kernels against tolerances made for the reference's own float run: docs/NUMERICS.md. */
#ifdef TING_DOUBLE
static const double tolerance_factor = 1.0;
static const char *const build_name = "double, C reference";
#else
static const double tolerance_factor = 4.0;
static const char *const build_name = "float, fast kernels";
#endif

typedef ting_err (*golden_function)(ting_golden *g);

typedef struct golden_kind {
    const char *name;
    golden_function run;
} golden_kind;

static const golden_kind kinds[] = {
#define KIND(name, function) {name, ting_golden_##function},
#include "golden/kinds.def"
#undef KIND
    {NULL, NULL},
};

struct ting_golden_file {
    ting_safetensors tensors;
    ting_table_view weights;
    json_t *config, *tolerances;
    double tolerance; /* of the whole file, where a tensor has none of its own */
    bool *compared, *failed; /* [tensors.table.count] */
    double worst;            /* largest error over tolerance */
    const char *worst_name;
    bool not_built;
    char complaint[256]; /* the first missing input or setting */
};

static void complain(ting_golden *g, const char *what, const char *name)
{
    if (g->file->complaint[0] == '\0')
        snprintf(g->file->complaint, sizeof g->file->complaint, "%s %s", what, name);
}

/* ---- settings ---- */

/* "steps", or a path of keys and places: "groups.0.lr". NULL: there is none. */
static json_t *find_setting(ting_golden *g, const char *name)
{
    json_t *value = g->file->config;
    while (value != NULL && *name != '\0') {
        char key[64];
        const size_t length = strcspn(name, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, name);
        value = json_is_array(value) ? json_array_get(value, (size_t)strtoul(key, NULL, 10)) : json_object_get(value, key);
        name += length + (name[length] == '.');
    }
    return value;
}

static json_t *setting(ting_golden *g, const char *name)
{
    json_t *value = find_setting(g, name);
    if (value == NULL)
        complain(g, "no setting", name);
    return value;
}

bool ting_golden_has_setting(ting_golden *g, const char *name)
{
    return find_setting(g, name) != NULL;
}

long ting_golden_int(ting_golden *g, const char *name)
{
    return (long)json_integer_value(setting(g, name));
}

double ting_golden_real(ting_golden *g, const char *name)
{
    return json_number_value(setting(g, name));
}

bool ting_golden_bool(ting_golden *g, const char *name)
{
    return json_is_true(setting(g, name));
}

const char *ting_golden_string(ting_golden *g, const char *name)
{
    const char *text = json_string_value(setting(g, name));
    return text == NULL ? "" : text;
}

int ting_golden_list_length(ting_golden *g, const char *name)
{
    return (int)json_array_size(setting(g, name));
}

long ting_golden_list_int(ting_golden *g, const char *name, int index)
{
    return (long)json_integer_value(json_array_get(setting(g, name), (size_t)index));
}

/* ---- tensors ---- */

bool ting_golden_has(ting_golden *g, const char *name)
{
    return ting_table_find(&g->file->tensors.table, name) != NULL;
}

static const ting_stored *tensor(ting_golden *g, const char *name)
{
    const ting_stored *stored = ting_table_find(&g->file->tensors.table, name);
    if (stored == NULL)
        complain(g, "no tensor", name);
    return stored;
}

int ting_golden_dims(ting_golden *g, const char *name)
{
    const ting_stored *stored = tensor(g, name);
    return stored == NULL ? 0 : stored->dims;
}

int ting_golden_dim(ting_golden *g, const char *name, int axis)
{
    const ting_stored *stored = tensor(g, name);
    return stored == NULL ? 0 : axis < stored->dims ? (int)stored->shape[axis] : 1;
}

ting_real *ting_golden_reals(ting_golden *g, const char *name, size_t *count)
{
    const ting_stored *stored = tensor(g, name);
    size_t n = stored == NULL ? 0 : ting_stored_elements(stored);
    ting_real *values = ting_arena_take_zeroed(g->ctx.arena, n + 1, sizeof *values);
    for (size_t i = 0; values != NULL && i < n; i++)
        values[i] = (ting_real)ting_stored_value(stored, i);
    if (count != NULL)
        *count = n;
    return values;
}

int *ting_golden_ints(ting_golden *g, const char *name, size_t *count)
{
    const ting_stored *stored = tensor(g, name);
    size_t n = stored == NULL ? 0 : ting_stored_elements(stored);
    int *values = ting_arena_take_zeroed(g->ctx.arena, n + 1, sizeof *values);
    for (size_t i = 0; values != NULL && i < n; i++)
        values[i] = (int)ting_stored_value(stored, i);
    if (count != NULL)
        *count = n;
    return values;
}

/* ---- comparison ---- */

static double tolerance_of(const struct ting_golden_file *file, const char *name, const ting_stored *want)
{
    json_t *own = json_object_get(file->tolerances, name);
    if (own != NULL)
        return json_number_value(own) * tolerance_factor;
    double largest = 1;
    for (size_t i = 0; i < ting_stored_elements(want); i++) {
        double value = fabs(ting_stored_value(want, i));
        if (isfinite(value) && value > largest)
            largest = value;
    }
    return file->tolerance * largest * tolerance_factor;
}

static void compare_value(struct ting_golden_file *file, size_t index, double tolerance, size_t element,
                          double got, double want)
{
    const char *name = file->tensors.table.items[index].name;
    double ratio = isinf(want) || isinf(got) ? (got == want ? 0 : HUGE_VAL)
                   : got == want             ? 0
                                             : fabs(got - want) / tolerance;
    if (!(ratio <= file->worst)) {
        file->worst = isnan(ratio) ? HUGE_VAL : ratio;
        file->worst_name = name;
    }
    if (!(ratio <= 1) && !file->failed[index]) {
        file->failed[index] = true;
        printf("    %s[%zu]: got %.9g, want %.9g, tolerance %.3g\n", name, element, got, want, tolerance);
    }
}

/* Index of the tensor in the table; -1, with a complaint, when absent or too small. */
static long target(ting_golden *g, const char *name, size_t first, size_t count)
{
    const ting_stored *want = tensor(g, name);
    if (want == NULL)
        return -1;
    if (first + count > ting_stored_elements(want)) {
        complain(g, "more elements than the file has in", name);
        return -1;
    }
    const ting_table *table = &g->file->tensors.table;
    for (size_t i = 0; i < table->count; i++)
        if (&table->items[i].tensor == want) {
            g->file->compared[i] = true;
            return (long)i;
        }
    return -1;
}

void ting_golden_compare(ting_golden *g, const char *name, size_t first, const ting_real *got, size_t count)
{
    long index = target(g, name, first, count);
    if (index < 0)
        return;
    const ting_stored *want = &g->file->tensors.table.items[index].tensor;
    double tolerance = tolerance_of(g->file, name, want);
    for (size_t i = 0; i < count; i++)
        compare_value(g->file, (size_t)index, tolerance, first + i, (double)got[i],
                      ting_stored_value(want, first + i));
}

void ting_golden_compare_tensor(ting_golden *g, const char *name, size_t first, ting_tensor got)
{
    for (int row = 0; row < got.rows; row++)
        ting_golden_compare(g, name, first + (size_t)row * (size_t)got.cols, ting_row(got, row),
                            (size_t)got.cols);
}

void ting_golden_compare_ints(ting_golden *g, const char *name, size_t first, const int *got, size_t count)
{
    long index = target(g, name, first, count);
    if (index < 0)
        return;
    const ting_stored *want = &g->file->tensors.table.items[index].tensor;
    for (size_t i = 0; i < count; i++)
        compare_value(g->file, (size_t)index, DBL_MIN, first + i, got[i], ting_stored_value(want, first + i));
}

ting_err ting_golden_load(ting_golden *g, ting_params *params)
{
    ting_load_options options = {
        .kern = g->ctx.kern, .precision = TING_PRECISION_F32, .keep_values = true, .with_gradients = true};
    return ting_params_load(params, &g->weights, &options);
}

void ting_golden_compare_gradients(ting_golden *g, ting_params *params)
{
    for (int i = 0; i < ting_params_count(params); i++) {
        const ting_param *param = ting_params_at(params, i);
        char name[256];
        snprintf(name, sizeof name, "grad.%s", param->name);
        if (ting_golden_has(g, name))
            ting_golden_compare_tensor(g, name, 0,
                                       (ting_tensor){.data = param->t.grad, .rows = param->t.rows,
                                                     .cols = param->t.cols, .ld = param->t.ld});
    }
}

void ting_golden_not_built(ting_golden *g)
{
    g->file->not_built = true;
}

/* ---- one file, all files ---- */

/* Gradients that nothing built so far needs, and the transducer loss, may be left uncompared. */
static bool exempt(const char *kind, const char *name)
{
    static const char *const without_gradients[] = {"zipformer2", "zipformer2-op", "transducer"};
    for (size_t i = 0; i < sizeof without_gradients / sizeof without_gradients[0]; i++)
        if (strcmp(kind, without_gradients[i]) == 0 && strncmp(name, "grad.", 5) == 0)
            return true;
    return strcmp(kind, "transducer") == 0 && strcmp(name, "out.loss") == 0;
}

static ting_err open_file(const char *path, struct ting_golden_file *file)
{
    ting_err err = TING_OK;
    json_error_t where;
    TRY(ting_safetensors_open(path, &file->tensors));
    const char *config = ting_safetensors_metadata(&file->tensors, "config");
    const char *tolerances = ting_safetensors_metadata(&file->tensors, "tolerances");
    const char *tolerance = ting_safetensors_metadata(&file->tensors, "tolerance");
    if (ting_safetensors_metadata(&file->tensors, "kind") == NULL || config == NULL || tolerance == NULL)
        FAIL(TING_ERR_FORMAT, "%s: its metadata lacks kind, config or tolerance", path);
    file->config = json_loads(config, 0, &where);
    file->tolerances = tolerances == NULL ? json_object() : json_loads(tolerances, 0, &where);
    if (file->config == NULL || file->tolerances == NULL)
        FAIL(TING_ERR_FORMAT, "%s: its metadata is not JSON: %s", path, where.text);
    file->tolerance = strtod(tolerance, NULL);
    file->compared = ting_alloc(file->tensors.table.count + 1, sizeof *file->compared);
    file->failed = ting_alloc(file->tensors.table.count + 1, sizeof *file->failed);
    if (file->compared == NULL || file->failed == NULL)
        err = TING_ERR_MEMORY;
out:
    return err;
}

static void close_file(struct ting_golden_file *file)
{
    json_decref(file->config);
    json_decref(file->tolerances);
    ting_free(file->compared);
    ting_free(file->failed);
    ting_safetensors_close(&file->tensors);
}

/* Prints the file's line; whether it passed. */
static bool report(int number, const char *name, const char *kind, const struct ting_golden_file *file, ting_err err)
{
    int compared = 0, failed = 0, missing = 0, waived = 0;
    const char *first_missing = NULL;
    for (size_t i = 0; i < file->tensors.table.count; i++) {
        const char *tensor_name = file->tensors.table.items[i].name;
        compared += file->compared[i];
        failed += file->failed[i];
        if (file->compared[i] || (strncmp(tensor_name, "out.", 4) != 0 && strncmp(tensor_name, "grad.", 5) != 0))
            continue;
        if (exempt(kind, tensor_name)) {
            waived++;
        } else {
            missing++;
            first_missing = first_missing == NULL ? tensor_name : first_missing;
        }
    }
    bool good = failed == 0 && missing == 0 && err == TING_OK && file->complaint[0] == '\0';
    printf("%s %d - %-52s %4d compared %4d not built %4d failed  worst %.3g of tolerance%s%s\n", good ? "ok" : "not ok",
           number, name, compared, missing + waived, failed, file->worst, file->worst_name != NULL ? " in " : "",
           file->worst_name != NULL ? file->worst_name : "");
    if (err != TING_OK)
        printf("    error: %s\n", ting_error_message());
    if (file->complaint[0] != '\0')
        printf("    error: %s\n", file->complaint);
    if (missing > 0)
        printf("    left uncompared: %s%s\n", first_missing, missing > 1 ? " and others" : "");
    return good;
}

static bool run_file(int number, const char *folder, const char *name)
{
    struct ting_golden_file file = {0};
    bool good = true;
    char *path = ting_path_join(folder, name);
    ting_golden g = {.file = &file};
    if (open_file(path, &file) != TING_OK) {
        printf("not ok %d - %-52s error: %s\n", number, name, ting_error_message());
        good = false;
        goto out;
    }
    g.kind = ting_safetensors_metadata(&file.tensors, "kind");
    g.case_name = ting_safetensors_metadata(&file.tensors, "case");
    const golden_kind *kind = kinds;
    while (kind->name != NULL && strcmp(kind->name, g.kind) != 0)
        kind++;
    file.weights = (ting_table_view){.table = &file.tensors.table, .prefix = "w."};
    g.weights = ting_table_source(&file.weights, path);
    g.ctx = (ting_ctx){.arena = ting_arena_new(1 << 20), .kern = ting_kern_select(ting_cpu_detect())};
    ting_err err = kind->name == NULL ? TING_OK : kind->run(&g);
    if (kind->name == NULL || (file.not_built && err == TING_OK))
        printf("# skipped: kind %s, case %s is not built\nok %d # SKIP %s\n", g.kind, g.case_name, number, name);
    else
        good = report(number, name, g.kind, &file, err);
out:
    ting_arena_free(g.ctx.arena);
    close_file(&file);
    ting_free(path);
    return good;
}

static int is_golden(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 12 && strcmp(entry->d_name + length - 12, ".safetensors") == 0;
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    const char *folder = argc > 1 ? argv[1] : "tests/golden";
    int count = scandir(folder, &entries, is_golden, alphasort), bad = 0;
    if (count <= 0) {
        fprintf(stderr, "golden: no .safetensors file in %s\n", folder);
        return 1;
    }
    printf("# %s; tolerances x %g; %s\n", build_name, tolerance_factor, folder);
    for (int i = 0; i < count; i++) {
        bad += !run_file(i + 1, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    printf("# %d files, %d of them failed or incomplete\n", count, bad);
    return bad != 0;
}
