/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pull.c - downloads from a server on the loopback: resuming, verifying, refusing; a public model end to end when its
 * files are at hand. The public addresses themselves are never contacted.
 */
#include "support/program.h"
#include "support/server.h"
#include "support/support.h"

#include "base/build.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a tar archive (POSIX ustar), made by hand ---- */

static void add_member(ting_str *tar, const char *name, char type, const char *link, const void *bytes, size_t size)
{
    static const char zeros[512];
    char head[512] = {0};
    unsigned sum = 0;
    snprintf(head, 100, "%s", name);
    memcpy(head + 100, "0000644", 8);
    memcpy(head + 108, "0000000", 8);
    memcpy(head + 116, "0000000", 8);
    snprintf(head + 124, 12, "%011lo", (unsigned long)size);
    memcpy(head + 136, "00000000000", 12);
    memset(head + 148, ' ', 8);
    head[156] = type;
    snprintf(head + 157, 100, "%s", link);
    memcpy(head + 257, "ustar\00000", 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)head[i];
    snprintf(head + 148, 8, "%06o", sum);
    ting_str_add_bytes(tar, head, sizeof head);
    ting_str_add_bytes(tar, bytes, size);
    ting_str_add_bytes(tar, zeros, (512 - size % 512) % 512);
}

static void end_tar(ting_str *tar)
{
    static const char zeros[1024];
    ting_str_add_bytes(tar, zeros, sizeof zeros);
}

enum { BIG = 100000 };
static unsigned char big[BIG];
static char big_sha[TING_SHA256_TEXT], small_sha[TING_SHA256_TEXT];
static ting_str good; /* the archive: two members that are wanted, and some that try to leave the folder */
static ting_pull_model model;
static ting_server *server;

static void make_good(void)
{
    for (int i = 0; i < BIG; i++)
        big[i] = (unsigned char)(i * 31 + i / 256);
    ting_sha256_bytes(big, BIG, big_sha);
    ting_sha256_bytes("small", 5, small_sha);
    add_member(&good, "release-1/", '5', "", "", 0);
    add_member(&good, "../../escaped", '0', "", "evil", 4);
    add_member(&good, "/tmp/tingxie-escaped", '0', "", "evil", 4);
    add_member(&good, "release-1/link", '2', "/etc/passwd", "", 0);
    add_member(&good, "release-1/sub/big.bin", '0', "", big, BIG);
    add_member(&good, "release-1/small.txt", '0', "", "small", 5);
    end_tar(&good);
    model = (ting_pull_model){
        .name = "toy",
        .url = "https://invalid.invalid/never",
        .license = "CC0-1.0",
        .most = 1 << 20,
        .members = {{"sub/big.bin", "big.bin", big_sha, BIG}, {"small.txt", "small.txt", small_sha, 5}}};
}

static int start(void **state)
{
    (void)state;
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    make_good();
    server = ting_server_start(good.text, good.length);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ting_server_stop(server);
    ting_str_free(&good);
    return 0;
}

static bool can_pull(void)
{
    return ting_build_has(TING_BUILD_PULL);
}

#define NEEDS_PULL()                                                 \
    do {                                                             \
        if (!can_pull())                                             \
            skip_because("this build lacks libcurl or libarchive");  \
    } while (0)

/* Pulls into a folder of its own below the test's. */
static ting_err pull_with(const char *folder, bool (*progress)(void *, double, double), bool again, bool *fresh)
{
    ting_str place = {0};
    char *path = ting_temp_path(folder);
    ting_pull_options options = {.folder = path, .from = ting_server_url(server), .again = again, .progress = progress};
    ting_err err = ting_pull(&model, &options, &place, fresh);
    ting_str_free(&place);
    ting_free(path);
    return err;
}

static ting_err pull(const char *folder)
{
    bool fresh;
    return pull_with(folder, NULL, false, &fresh);
}

/* Size of a file below the test's folder, -1 when absent. */
static long size_of(const char *name)
{
    char *path = ting_temp_path(name);
    ting_file file = {0};
    long size = ting_file_exists(path) && ting_file_map(path, &file) == TING_OK ? (long)file.size : -1;
    ting_file_unmap(&file);
    ting_free(path);
    return size;
}

static void assert_settled(const char *folder)
{
    char name[256];
    snprintf(name, sizeof name, "%s/toy/big.bin", folder);
    assert_int_equal(size_of(name), BIG);
    snprintf(name, sizeof name, "%s/toy/small.txt", folder);
    assert_int_equal(size_of(name), 5);
    snprintf(name, sizeof name, "%s/toy.part", folder);
    assert_int_equal(size_of(name), -1);
}

static void a_model_comes_once(void **state)
{
    (void)state;
    NEEDS_PULL();
    bool fresh = false;
    ting_server_set_mode(server, TING_SERVER_GOOD);
    assert_ok(pull_with("a/b", NULL, false, &fresh));
    assert_true(fresh);
    assert_settled("a/b");
    assert_int_equal(size_of("escaped"), -1);
    assert_int_equal(size_of("a/escaped"), -1);
    assert_false(ting_file_exists("/tmp/tingxie-escaped"));
    assert_int_equal(size_of("a/b/toy/link"), -1);
    int requests = ting_server_requests(server);
    assert_ok(pull_with("a/b", NULL, false, &fresh));
    assert_false(fresh);
    assert_int_equal(ting_server_requests(server), requests); /* nobody was asked */
    assert_ok(pull_with("a/b", NULL, true, &fresh));
    assert_true(fresh);
    assert_settled("a/b");
}

static void a_broken_download_is_resumed(void **state)
{
    (void)state;
    NEEDS_PULL();
    ting_server_set_mode(server, TING_SERVER_CUT);
    assert_fails(TING_ERR_IO, "the same command goes on", pull("resume"));
    long half = size_of("resume/toy.part");
    assert_int_equal(half, good.length / 2);
    assert_int_equal(size_of("resume/toy/big.bin"), -1);
    ting_server_set_mode(server, TING_SERVER_GOOD);
    assert_ok(pull("resume"));
    assert_int_equal(ting_server_last_start(server), half);
    assert_settled("resume");
}

static void a_server_without_ranges_sends_all_again(void **state)
{
    (void)state;
    NEEDS_PULL();
    ting_server_set_mode(server, TING_SERVER_CUT);
    assert_fails(TING_ERR_IO, "", pull("again"));
    ting_server_set_mode(server, TING_SERVER_NO_RANGE);
    assert_ok(pull("again"));
    assert_settled("again");
}

static void a_complete_part_is_no_trap(void **state)
{
    (void)state;
    NEEDS_PULL();
    /* All bytes are there already (the process died before unpacking): the server answers 416. */
    char *folder = ting_temp_path("full");
    ting_server_set_mode(server, TING_SERVER_CUT);
    assert_fails(TING_ERR_IO, "", pull("full"));
    char *part = ting_path_join(folder, "toy.part");
    assert_ok(ting_file_save(part, good.text, good.length));
    ting_server_set_mode(server, TING_SERVER_GOOD);
    assert_ok(pull("full"));
    assert_settled("full");
    ting_free(part);
    ting_free(folder);
}

static void what_is_not_expected_is_refused(void **state)
{
    (void)state;
    NEEDS_PULL();
    const ting_pull_model right = model;
    ting_server_set_mode(server, TING_SERVER_GOOD);
    model.members[1].sha256 = big_sha;
    assert_fails(TING_ERR_FORMAT, "its SHA-256 is", pull("bad"));
    assert_int_equal(size_of("bad/toy.part"), -1);
    assert_int_equal(size_of("bad/toy/small.txt"), -1);
    model = right, model.members[1].size = 4;
    assert_fails(TING_ERR_FORMAT, "not of the expected size of 4", pull("bad"));
    model = right, model.members[1].name = "absent.txt";
    assert_fails(TING_ERR_FORMAT, "has no \"absent.txt\"", pull("bad"));
    model = right, model.most = 1000;
    assert_fails(TING_ERR_IO, "more than 1000 bytes", pull("bad"));
    model = right;
    ting_server_set_mode(server, TING_SERVER_MISSING);
    assert_fails(TING_ERR_IO, "404", pull("missing"));
    ting_server_set_mode(server, TING_SERVER_MOVED);
    assert_ok(pull("moved"));
    assert_settled("moved");
    /* Without --from only https is spoken. */
    char *folder = ting_temp_path("plain");
    ting_str place = {0};
    bool fresh;
    model.url = ting_server_url(server);
    int requests = ting_server_requests(server);
    assert_fails(TING_ERR_IO, "http", ting_pull(&model, &(ting_pull_options){.folder = folder}, &place, &fresh));
    assert_int_equal(ting_server_requests(server), requests);
    model = right;
    ting_str_free(&place);
    ting_free(folder);
}

static bool stop_soon(void *self, double done, double total)
{
    (void)self, (void)total;
    return done <= 0;
}

static void a_stopped_download_is_kept(void **state)
{
    (void)state;
    NEEDS_PULL();
    bool fresh;
    ting_server_set_mode(server, TING_SERVER_GOOD);
    assert_fails(TING_ERR_CANCELLED, "stopped after", pull_with("stopped", stop_soon, false, &fresh));
    assert_ok(pull("stopped"));
    assert_settled("stopped");
}

static void a_download_that_never_began_leaves_nothing(void **state)
{
    (void)state;
    NEEDS_PULL();
    char *folder = ting_temp_path("none");
    ting_program_run run = ting_run_program(
        (const char *[]){"pull", "--from", "http://127.0.0.1:1/x.tar", "-o", folder, "zipformer-wenetspeech-3.3m", NULL}, NULL);
    assert_int_equal(run.status, 1);
    assert_int_equal(size_of("none/zipformer-wenetspeech-3.3m.part"), -1);
    ting_program_free(&run);
    ting_free(folder);
}

static void every_entry_of_the_table_is_complete(void **state)
{
    (void)state;
    int models = 0;
    for (const ting_pull_model *m = ting_pull_models; m->name != NULL; m++, models++) {
        assert_true(strncmp(m->url, "https://", 8) == 0);
        assert_non_null(m->license);
        assert_non_null(m->members[0].name);
        for (int i = 0; i < TING_PULL_MEMBERS && m->members[i].name != NULL; i++) {
            assert_int_equal(strlen(m->members[i].sha256), 64);
            assert_true(m->members[i].size > 0 && m->members[i].size < m->most);
            assert_null(strchr(m->members[i].as, '/'));
        }
    }
    assert_true(models >= 1);
}

/* The real table entry and the real program, from an archive of the real files. */
static void a_public_model_becomes_gguf(void **state)
{
    (void)state;
    NEEDS_PULL();
    const ting_pull_model *m = &ting_pull_models[0];
    const char *models = getenv("TING_MODELS");
    char *source = ting_path_join(models != NULL ? models : "../shared/models", m->name), *out = ting_temp_path("public");
    ting_str tar = {0};
    for (int i = 0; i < TING_PULL_MEMBERS && m->members[i].name != NULL; i++) {
        char *path = ting_path_join(source, m->members[i].as), name[100];
        ting_file file = {0};
        snprintf(name, sizeof name, "x/%.90s", m->members[i].name);
        if (ting_file_exists(path)) {
            assert_ok(ting_file_map(path, &file));
            add_member(&tar, name, '0', "", file.data, file.size);
        }
        ting_file_unmap(&file);
        ting_free(path);
    }
    end_tar(&tar);
    bool there = ting_file_is_folder(source);
    if (there) {
        ting_server *public = ting_server_start(tar.text, tar.length);
        const char *const arguments[] = {"pull", m->name, "--from", ting_server_url(public), "-o", out, NULL};
        ting_program_run run = ting_run_program(arguments, NULL);
        assert_string_equal(run.status == 0 ? "" : run.err, "");
        assert_non_null(strstr(run.out, "public/zipformer-wenetspeech-3.3m.gguf\n"));
        assert_non_null(strstr(run.err, "Apache-2.0"));
        ting_program_free(&run);
        ting_server_stop(public);
        char *gguf = ting_path_join(out, "zipformer-wenetspeech-3.3m.gguf");
        run = ting_run_program((const char *[]){"inspect", gguf, NULL}, NULL);
        assert_int_equal(run.status, 0);
        assert_non_null(strstr(run.out, "network am: zipformer2-transducer"));
        assert_non_null(strstr(run.out, m->url));
        ting_program_free(&run);
        ting_free(gguf);
    }
    ting_str_free(&tar);
    ting_free(source);
    ting_free(out);
    if (!there)
        skip_because("no zipformer-wenetspeech-3.3m in TING_MODELS or ../shared/models");
}

static void the_command_line_is_checked(void **state)
{
    (void)state;
    ting_assert_usage("there is no model 'nothing'", (const char *[]){"pull", "nothing", NULL});
    ting_program_run run = ting_run_program((const char *[]){"pull", "--list", NULL}, NULL);
    assert_int_equal(run.status, 0);
    assert_non_null(strstr(run.out, "zipformer-wenetspeech-3.3m\tApache-2.0\t"));
    ting_program_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_comes_once),
        cmocka_unit_test(a_broken_download_is_resumed),
        cmocka_unit_test(a_server_without_ranges_sends_all_again),
        cmocka_unit_test(a_complete_part_is_no_trap),
        cmocka_unit_test(what_is_not_expected_is_refused),
        cmocka_unit_test(a_stopped_download_is_kept),
        cmocka_unit_test(a_download_that_never_began_leaves_nothing),
        cmocka_unit_test(every_entry_of_the_table_is_complete),
        cmocka_unit_test(a_public_model_becomes_gguf),
        cmocka_unit_test(the_command_line_is_checked),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
