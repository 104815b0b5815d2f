/* SPDX-License-Identifier: Apache-2.0 */
/* test_base.c - errors, arena, pool, random numbers, strings, files, UTF-8, tab-separated lines. */
#include "support/failing.h"
#include "support/support.h"

#include "tingxie.h"

#include "base/arena.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/logsum.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/tsv.h"
#include "base/utf8.h"

#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void errors_keep_their_sentence(void **state)
{
    (void)state;
    assert_int_equal(ting_fail(TING_ERR_FORMAT, "frame %d of %d", 3, 7), TING_ERR_FORMAT);
    assert_string_equal(ting_error_message(), "frame 3 of 7");
    ting_fail_in(TING_ERR_FORMAT, "a.wav");
    assert_string_equal(ting_error_message(), "a.wav: frame 3 of 7");
    /* A sentence that is cut ends on a whole character: 1023 bytes hold 341 hanzi of 3 bytes. */
    ting_str hanzi = {0};
    for (int i = 0; i < 1000; i++)
        ting_str_add(&hanzi, "字");
    ting_fail(TING_ERR_FORMAT, "x%s", hanzi.text);
    assert_true(ting_utf8_count(ting_error_message(), strlen(ting_error_message())) > 300);
    ting_str_free(&hanzi);
}

static void arena_reuses_its_memory(void **state)
{
    (void)state;
    ting_arena *arena = ting_arena_new(4096);
    for (int round = 0; round < 4; round++) {
        ting_arena_reset(arena);
        unsigned char *first = ting_arena_take(arena, 100);
        memset(first, round, 100);
        ting_arena_mark mark = ting_arena_tell(arena);
        for (int i = 0; i < 20; i++) {
            unsigned char *piece = ting_arena_take_zeroed(arena, 1000, 3);
            assert_non_null(piece);
            assert_int_equal((uintptr_t)piece % TING_ALIGN, 0);
            assert_int_equal(piece[2999], 0);
            memset(piece, 255, 3000);
        }
        assert_true(ting_arena_used(arena) >= 60100);
        ting_arena_rewind(arena, mark);
        assert_true(ting_arena_used(arena) < 300);
        assert_int_equal(first[99], round);
    }
    assert_null(ting_arena_take(arena, SIZE_MAX - 5));
    assert_true(ting_arena_failed(arena));
    assert_null(ting_arena_take(arena, 1)); /* sticky */
    ting_arena_reset(arena);
    assert_non_null(ting_arena_take(arena, 1));
    ting_arena_free(arena);
}

static size_t allowed(void *self)
{
    return *(const size_t *)self;
}

static void an_arena_takes_what_it_may(void **state)
{
    (void)state;
    size_t left = 10000;
    ting_arena *arena = ting_arena_new(4096);
    ting_arena_limit(arena, allowed, &left);
    assert_non_null(ting_arena_take(arena, 9000)); /* as large as wanted, not as large as a block would be */
    left = 5000;
    assert_non_null(ting_arena_take(arena, 4000)); /* a block would hold as much as all before, 9,000 bytes */
    assert_null(ting_arena_take(arena, 6000));
    assert_non_null(strstr(ting_error_message(), "may be had"));
    ting_arena_reset(arena);
    assert_null(ting_arena_take(arena, 6000));
    ting_arena_reset(arena);
    ting_arena_limit(arena, NULL, NULL);
    assert_non_null(ting_arena_take(arena, 6000));
    ting_arena_free(arena);
}

static void count_index(void *arg, int index)
{
    ((int *)arg)[index]++;
}

static void pool_runs_each_index_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 8; threads *= 2) {
        ting_pool *pool = ting_pool_new(threads);
        assert_non_null(pool);
        int hits[1000] = {0};
        for (int round = 0; round < 50; round++)
            ting_pool_run(pool, 1000, count_index, hits);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(hits[i], 50);
        ting_pool_free(pool);
    }
    assert_null(ting_pool_new(0));
    assert_null(ting_pool_new(TING_MOST_THREADS + 1));
    assert_non_null(strstr(ting_error_message(), "1025 threads wanted, expected 1 to 1024"));
    assert_true(ting_cpu_count() >= 1 && ting_cpu_count() <= TING_MOST_THREADS);
    ting_pool *wide = ting_pool_new(300); /* the options allow it: test_places */
    assert_non_null(wide);
    ting_pool_free(wide);
}

static void random_streams_are_functions_of_their_counter(void **state)
{
    (void)state;
    ting_rng a = ting_rng_new(1, 2), b = ting_rng_new(1, 3);
    uint64_t first = ting_rng_next(&a);
    assert_true(first != ting_rng_next(&b));
    a.counter = 0;
    assert_true(first == ting_rng_next(&a));
    double sum = 0, squares = 0;
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        double x = ting_rng_normal(&a);
        sum += x;
        squares += x * x;
    }
    /* standard error of the mean is 1 / sqrt(N) = 0.0032, of the variance sqrt(2 / N) = 0.0045: 5 sigma */
    assert_true(sum / N < 0.016 && sum / N > -0.016);
    assert_true(squares / N < 1.023 && squares / N > 0.977);
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[ting_rng_below(&a, 7)]++;
    for (int i = 0; i < 7; i++) /* sigma of a count is sqrt(70000 x 1/7 x 6/7) = 93: 5 sigma */
        assert_in_range(seen[i], 10000 - 463, 10000 + 463);
}

static void utf8_is_strict(void **state)
{
    (void)state;
    const uint32_t samples[] = {0x41, 0x7F, 0x80, 0x7FF, 0x800, 0x4E2D, 0xFFFD, 0x10000, 0x2070E, 0x10FFFF};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        char bytes[4];
        uint32_t back = 0;
        int length = ting_utf8_encode(samples[i], bytes);
        assert_int_equal(ting_utf8_decode(bytes, (size_t)length, &back), length);
        assert_int_equal(back, samples[i]);
        assert_int_equal(ting_utf8_decode(bytes, (size_t)length - 1, &back), length == 1 ? 0 : -1);
    }
    const char *bad[] = {"\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ting_utf8_count(bad[i], strlen(bad[i])), -1);
    assert_true(ting_utf8_is_hanzi(0x4E2D) && ting_utf8_is_hanzi(0x20000) && !ting_utf8_is_hanzi('a'));
}

static atomic_int umask_calls;

/* Stands before the C library's: the umask belongs to the whole process. */
mode_t umask(mode_t mask)
{
    atomic_fetch_add(&umask_calls, 1);
    return (mode_t)syscall(SYS_umask, mask);
}

static void new_files_follow_the_umask_without_touching_it(void **state)
{
    (void)state;
    char *path = ting_temp_path("mode");
    for (int i = 0; i < 2; i++) {
        const mode_t mask = i == 0 ? 027 : 0;
        struct stat status;
        mode_t before = umask(mask);
        int calls = atomic_load(&umask_calls);
        assert_ok(ting_file_save(path, "x", 1));
        assert_int_equal(atomic_load(&umask_calls), calls);
        assert_int_equal(umask(before), mask);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0666 & ~mask);
    }
    ting_file_writer two[2]; /* beside each other */
    for (int i = 0; i < 2; i++)
        assert_ok(ting_file_create(path, &two[i]));
    assert_string_not_equal(two[0].temporary, two[1].temporary);
    assert_int_equal(fcntl(fileno(two[0].stream), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC); /* no child keeps it */
    for (int i = 0; i < 2; i++)
        ting_file_abandon(&two[i]);
    ting_free(path);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    char *path = ting_temp_path("kept.txt");
    assert_ok(ting_file_save(path, "old", 3));
    ting_file_writer writer;
    assert_ok(ting_file_create(path, &writer));
    fputs("new and unfinished", writer.stream);
    ting_file_abandon(&writer);
    ting_file file;
    assert_ok(ting_file_map(path, &file));
    assert_int_equal(file.size, 3);
    assert_memory_equal(file.data, "old", 3);
    ting_file_unmap(&file);
    assert_ok(ting_file_save(path, "newer", 5));
    assert_ok(ting_file_map(path, &file));
    assert_int_equal(file.size, 5);
    ting_file_unmap(&file);
    assert_fails(TING_ERR_IO, "No such file", ting_file_map("/nowhere/at/all", &file));
    assert_fails(TING_ERR_IO, "a folder", ting_file_map("/", &file));
    assert_fails(TING_ERR_IO, "/nowhere/x", ting_file_save("/nowhere/x", "", 0));
    assert_fails(TING_ERR_IO, "/nowhere/x", ting_file_check_place("/nowhere/x"));
    assert_fails(TING_ERR_IO, "is a folder", ting_file_check_place("/tmp"));
    assert_ok(ting_file_check_place("/dev/null"));
    assert_ok(ting_file_check_place(path)); /* and nothing is changed by asking */
    assert_ok(ting_file_map(path, &file));
    assert_int_equal(file.size, 5);
    ting_file_unmap(&file);
    assert_fails(TING_ERR_IO, "writing failed", ({
                     ting_file_writer full = {0};
                     full.path = ting_strdup("/dev/full");
                     full.temporary = ting_temp_path("full");
                     full.stream = fopen("/dev/full", "wb");
                     fputs("x", full.stream);
                     ting_file_commit(&full);
                 }));
    ting_free(path);
}

static void lists_grow_by_doubling(void **state)
{
    (void)state;
    int *list = NULL;
    size_t count = 0, room = 0, moves = 0, before;
    for (; count < 1000; count++) {
        before = room;
        assert_ok(ting_reserve(&list, count, 1, &room, sizeof *list));
        moves += room != before;
        assert_true(room > count && room <= 2 * count + 32);
        assert_int_equal(list[count], 0);
        list[count] = (int)count;
    }
    assert_int_equal(moves, 6); /* 32, 64, ... 1024 */
    assert_ok(ting_reserve(&list, count, 5000, &room, sizeof *list)); /* more than twice as much */
    assert_true(room >= 6000 && list[999] == 999 && list[5999] == 0);
    before = room;
    ting_fail_allocation(1);
    assert_int_equal(ting_reserve(&list, before, 1, &room, sizeof *list), TING_ERR_MEMORY);
    ting_fail_allocation(0);
    assert_fails(TING_ERR_MEMORY, "exceed", ting_reserve(&list, 1000, SIZE_MAX - 500, &room, sizeof *list));
    assert_fails(TING_ERR_MEMORY, "exceed", ting_reserve(&list, 1000, SIZE_MAX / 4, &room, sizeof *list));
    assert_true(room == before && list[999] == 999); /* as it was */
    ting_free(list);
}

static void strings_grow(void **state)
{
    (void)state;
    ting_str str = {0};
    for (int i = 0; i < 1000; i++)
        ting_str_addf(&str, "%03d,", i);
    assert_int_equal(str.length, 4000);
    assert_memory_equal(str.text + 3996, "999,", 5);
    ting_str_clear(&str);
    ting_str_add_xml(&str, "a<b>&\"\x01");
    assert_string_equal(str.text, "a&lt;b&gt;&amp;&quot;");
    ting_str_free(&str);
}

static void lines_are_cut_at_tabs(void **state)
{
    (void)state;
    ting_tsv line;
    ting_tsv_cut((ting_view){" a b \t\t c\r\n", 11}, &line);
    assert_int_equal(line.count, 3);
    assert_true(ting_view_is(line.fields[0], "a b") && ting_view_is(line.fields[1], "") && ting_view_is(line.fields[2], "c"));
    assert_int_equal(ting_tsv_find(&line, "c"), 2);
    assert_int_equal(ting_tsv_find(&line, "a"), -1);
    assert_true(ting_view_is(ting_tsv_at(&line, 2), "c"));
    assert_int_equal(ting_tsv_at(&line, 3).length + ting_tsv_at(&line, -1).length, 0);
    ting_tsv_cut((ting_view){"", 0}, &line);
    assert_int_equal(line.count, 1);
    assert_int_equal(line.fields[0].length, 0);
    char tabs[2 * TING_TSV_MOST];
    memset(tabs, '\t', sizeof tabs);
    ting_tsv_cut((ting_view){tabs, TING_TSV_MOST - 1}, &line);
    assert_int_equal(line.count, TING_TSV_MOST);
    ting_tsv_cut((ting_view){tabs, sizeof tabs}, &line);
    assert_int_equal(line.count, TING_TSV_MOST);
}

static void devices_are_written_and_not_replaced(void **state)
{
    (void)state;
    struct stat after;
    char *full = ting_temp_path("full"); /* a link, so that a mistake would not replace the device */
    assert_int_equal(symlink("/dev/full", full), 0);
    assert_fails(TING_ERR_IO, "full: writing failed: No space left", ting_file_save(full, "x", 1));
    assert_int_equal(lstat(full, &after), 0);
    assert_true(S_ISLNK(after.st_mode));
    assert_fails(TING_ERR_IO, "is a folder", ting_file_save("/tmp", "x", 1));
    ting_free(full);
}

/* Against the sum itself, in both orders; one rounding of log and exp each, relative to a magnitude below 32. */
static void logarithms_of_probabilities_add_up(void **state)
{
    (void)state;
    for (double a = 1; a > 1e-12; a /= 3)
        for (double b = 1; b > 1e-12; b /= 7) {
            assert_true(fabs(ting_log_add(log(a), log(b)) - log(a + b)) < 1e-14);
            assert_true(ting_log_add(log(a), log(b)) == ting_log_add(log(b), log(a)));
        }
    assert_true(ting_log_add(-INFINITY, -2) == -2 && ting_log_add(-2, -INFINITY) == -2);
    assert_true(ting_log_add(-INFINITY, -INFINITY) == -INFINITY);
    assert_true(ting_log_add(-1000, -1000) == -1000 + log1p(1)); /* exp(-1000) is 0 */
    assert_true(ting_log_add(1000, -1000) == 1000);
    assert_true(isnan(ting_log_add(NAN, 0)) && isnan(ting_log_add(0, NAN)));
}

static void a_folder_is_one_process_s(void **state)
{
    (void)state;
    char *path = ting_temp_path("claimed");
    int claim, second;
    assert_fails(TING_ERR_IO, "cannot be written: No such file", ting_folder_claim(path, &claim));
    assert_true(claim < 0);
    assert_ok(ting_folder_make(path));
    assert_ok(ting_folder_claim(path, &claim));
    assert_fails(TING_ERR_IO, "another process works in it", ting_folder_claim(path, &second));
    ting_folder_release(second); /* nothing */
    ting_folder_release(claim);
    assert_ok(ting_folder_claim(path, &second));
    ting_folder_release(second);
    ting_free(path);
}

static void the_header_and_the_library_are_of_one_version(void **state)
{
    (void)state;
    char want[32];
    snprintf(want, sizeof want, "%d.%d.%d", TING_VERSION_NUMBER / 10000, TING_VERSION_NUMBER / 100 % 100, TING_VERSION_NUMBER % 100);
    assert_string_equal(ting_version(), want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_and_the_library_are_of_one_version),
        cmocka_unit_test(a_folder_is_one_process_s),
        cmocka_unit_test(errors_keep_their_sentence),
        cmocka_unit_test(arena_reuses_its_memory),
        cmocka_unit_test(an_arena_takes_what_it_may),
        cmocka_unit_test(pool_runs_each_index_once),
        cmocka_unit_test(random_streams_are_functions_of_their_counter),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(logarithms_of_probabilities_add_up),
        cmocka_unit_test(new_files_follow_the_umask_without_touching_it),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(lists_grow_by_doubling),
        cmocka_unit_test(strings_grow),
        cmocka_unit_test(lines_are_cut_at_tabs),
        cmocka_unit_test(devices_are_written_and_not_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
