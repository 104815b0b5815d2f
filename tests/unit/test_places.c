/* SPDX-License-Identifier: Apache-2.0 */
/* test_places.c - where models are found, and option structs of other versions. */
#include "support/support.h"

#include "base/cpu.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/options.h"
#include "engine/places.h"
#include "engine/tool_places.h"
#include "model/public.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void touch(const char *folder, const char *name)
{
    char *path = ting_path_join(folder, name);
    assert_ok(ting_file_save(path, "", 0));
    ting_free(path);
}

static char *make_folder(const char *parent, const char *name)
{
    char *path = parent == NULL ? ting_temp_path(name) : ting_path_join(parent, name);
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

static void candidates_come_in_order(void **state)
{
    (void)state;
    char *place = make_folder(NULL, "place"), *public_model = make_folder(place, "a-public"),
         *other = make_folder(place, "b-other");
    touch(place, "z.gguf");
    touch(place, "b.gguf");
    touch(place, ".hidden.gguf");
    touch(place, "readme.txt");
    touch(public_model, "tokens.txt");
    touch(public_model, "encoder-epoch-12.int8.onnx");
    touch(public_model, "decoder-epoch-12.onnx");
    assert_int_equal(ting_public_kind_of(public_model), TING_PUBLIC_NONE);
    touch(public_model, "joiner-epoch-12.onnx");
    assert_int_equal(ting_public_kind_of(public_model), TING_PUBLIC_ZIPFORMER_ONNX);
    touch(other, "tokens.txt");
    ting_paths places, candidates;
    assert_ok(ting_places(place, &places));
    assert_int_equal(places.count, 1); /* a folder that is named is the only place */
    assert_ok(ting_places_candidates(&places, &candidates));
    assert_int_equal(candidates.count, 3);
    const char *want[] = {"/b.gguf", "/z.gguf", "/a-public"};
    for (int i = 0; i < 3; i++)
        assert_string_equal(candidates.items[i] + strlen(place), want[i]);
    ting_paths_free(&candidates);
    ting_paths_free(&places);
    assert_ok(ting_places(public_model, &places)); /* a place may be a model itself */
    assert_ok(ting_places_candidates(&places, &candidates));
    assert_int_equal(candidates.count, 1);
    assert_string_equal(candidates.items[0], public_model);
    ting_paths_free(&candidates);
    ting_paths_free(&places);
    ting_free(place), ting_free(public_model), ting_free(other);
}

static void a_bare_name_is_looked_up(void **state)
{
    (void)state;
    char *place = make_folder(NULL, "named");
    touch(place, "small.gguf");
    touch(place, "small-2.gguf");
    ting_paths places, candidates;
    assert_ok(ting_places(place, &places));
    assert_ok(ting_places_candidates(&places, &candidates));
    assert_string_equal(ting_places_named(&candidates, "small"), candidates.items[1]);
    assert_string_equal(ting_places_named(&candidates, "small-2.gguf"), candidates.items[0]);
    assert_null(ting_places_named(&candidates, "smal"));
    assert_null(ting_places_named(&candidates, "small.gguf.gguf"));
    ting_paths_free(&candidates);
    ting_paths_free(&places);

    ting_model_options options;
    ting_model *model;
    ting_model_options_defaults(&options, sizeof options);
    options.folder = place;
    assert_int_not_equal(ting_model_open("small", &options, &model), TING_OK); /* found, and empty */
    assert_non_null(strstr(ting_error_message(), "/small.gguf"));
    assert_int_not_equal(ting_model_open("smaller", &options, &model), TING_OK);
    assert_non_null(strstr(ting_error_message(), "smaller: "));
    assert_int_not_equal(ting_model_open("./small", &options, &model), TING_OK); /* a path is a path */
    assert_non_null(strstr(ting_error_message(), "./small: "));
    ting_free(place);
}

static void the_named_place_comes_first(void **state)
{
    (void)state;
    char *home = make_folder(NULL, "home");
    char line[512];
    snprintf(line, sizeof line, "mkdir -p '%s/tingxie/models'", home);
    assert_int_equal(system(line), 0);
    setenv("TING_MODELS", "/named/by/user", 1);
    setenv("XDG_DATA_HOME", home, 1);
    ting_paths places;
    assert_ok(ting_places(NULL, &places));
    assert_true(places.count >= 2);
    assert_string_equal(places.items[0], "/named/by/user");
    snprintf(line, sizeof line, "%s/tingxie/models", home);
    assert_string_equal(places.items[places.count - 1], line);
    ting_paths_free(&places);
    char *fresh = ting_tool_place_for_new();
    assert_string_equal(fresh, "/named/by/user");
    ting_free(fresh);
    unsetenv("TING_MODELS");
    unsetenv("XDG_DATA_HOME");
    ting_free(home);
}

static void options_of_another_version_are_understood(void **state)
{
    (void)state;
    ting_options got;
    assert_ok(ting_options_take(NULL, &got));
    assert_int_equal(got.beam, 8);
    struct { /* a caller compiled when there was nothing behind `beam` */
        size_t size;
        int threads;
        ting_decoding decoding;
        int beam;
    } old;
    ting_options_defaults((ting_options *)(void *)&old, offsetof(ting_options, blank_penalty));
    assert_int_equal(old.beam, 8);
    old.threads = 3;
    assert_ok(ting_options_take((const ting_options *)(const void *)&old, &got));
    assert_int_equal(got.threads, 3);
    assert_int_equal(got.nbest, 1);
    assert_true(got.pause == 0.8);
    struct { /* and one compiled against a later header */
        ting_options known;
        int later[8];
    } new;
    ting_options_defaults(&new.known, sizeof new);
    assert_int_equal(new.later[7], 0);
    new.known.nbest = 12;
    assert_ok(ting_options_take(&new.known, &got));
    assert_int_equal(got.decoding, TING_DECODING_BEAM); /* lines are chosen from what it holds */
    assert_int_equal(got.beam, 8);
}

static void options_out_of_range_are_named(void **state)
{
    (void)state;
    ting_options options, got;
    ting_options zeroed = {0};
    assert_fails(TING_ERR_ARGUMENT, "ting_options.size is 0", ting_options_take(&zeroed, &got));
    ting_options_defaults(&options, sizeof options);
    options.threads = TING_MOST_THREADS; /* as many as a pool takes */
    assert_ok(ting_options_take(&options, &got));
    options.threads++;
    assert_fails(TING_ERR_ARGUMENT, "options.threads is 1025: 0 to 1024", ting_options_take(&options, &got));
    options.threads = 0;
    options.beam = 65;
    assert_fails(TING_ERR_ARGUMENT, "options.beam is 65: 1 to 64", ting_options_take(&options, &got));
    ting_options_defaults(&options, sizeof options);
    options.pause = 0.0 / 0.0;
    assert_fails(TING_ERR_ARGUMENT, "options.pause", ting_options_take(&options, &got));
    ting_model_options model, model_got;
    ting_model_options_defaults(&model, sizeof model);
    model.precision = (ting_precision)7;
    assert_fails(TING_ERR_ARGUMENT, "options.precision is 7", ting_model_options_take(&model, &model_got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_come_in_order),
        cmocka_unit_test(a_bare_name_is_looked_up),
        cmocka_unit_test(the_named_place_comes_first),
        cmocka_unit_test(options_of_another_version_are_understood),
        cmocka_unit_test(options_out_of_range_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
