/* SPDX-License-Identifier: Apache-2.0 */
/* test_install.c - make install into an empty tree, and a stranger's program built against it. */
#include "support/support.h"

#include "support/program.h"
#include "support/tiny.h"

#include "base/file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *root; /* where everything was installed */

static int shell(const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return system(line);
}

static bool only_plain_build(void)
{
    return strcmp(ting_program_path(), "build/tingxie") == 0;
}

static int install(void **state)
{
    (void)state;
    root = ting_temp_path("root");
    if (!only_plain_build())
        return 0;
    /* a make inside make: without the outer one's flags and job server */
    return shell("env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s install PREFIX=/opt/tx DESTDIR='%s' >/dev/null", root);
}

static void everything_is_in_its_place(void **state)
{
    (void)state;
    static const char *const files[] = {
        "bin/tingxie", "include/tingxie.h", "lib/libtingxie.a", "lib/libtingxie.so.0", "lib/libtingxie.so",
        "lib/pkgconfig/tingxie.pc", "lib/libtingxie_train.a", "lib/pkgconfig/tingxie-train.pc", "share/doc/tingxie/docs/API.md",
        "share/doc/tingxie/recipes/lm-ngram.yaml", "share/man/man1/tingxie.1", "share/man/man1/tingxie-transcribe.1",
        "share/bash-completion/completions/tingxie", "share/zsh/site-functions/_tingxie",
    };
    if (!only_plain_build())
        skip_because("the installed tree is checked in the plain build");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/opt/tx/%s", root, files[i]);
        if (!ting_file_exists(path))
            fail_msg("%s is not there", path);
    }
    assert_int_equal(shell("'%s/opt/tx/bin/tingxie' --version >/dev/null", root), 0);
}

static void a_stranger_can_build_and_run(void **state)
{
    (void)state;
    if (!only_plain_build())
        skip_because("the installed tree is checked in the plain build");
    static const char *const ways[] = {"", "--static"};
    static float sound[5 * 16000];
    char path[512];
    ting_tiny_sound(sound, 5 * 16000);
    snprintf(path, sizeof path, "%s/sound.wav", root);
    assert_ok(ting_tiny_wav_save(path, sound, 5 * 16000, 16000));
    snprintf(path, sizeof path, "%s/tiny.gguf", root);
    assert_ok(ting_tiny_model_save(path, 1, TING_TINY_BOTH));
    for (int i = 0; i < 2; i++) {
        /* with --static the archive itself is named, because -ltingxie prefers the shared library */
        int failed = shell("cd '%s' && export PKG_CONFIG_PATH=opt/tx/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=\"$PWD\" && "
                           "${CC:-cc} -std=c11 -Wall -Werror \"$OLDPWD/examples/transcribe.c\" -o example%d "
                           "$(pkg-config --cflags --libs %s tingxie | sed 's/-ltingxie/%s/') && "
                           "LD_LIBRARY_PATH=opt/tx/lib ./example%d sound.wav tiny.gguf >heard%d && "
                           "LD_LIBRARY_PATH=opt/tx/lib ./example%d /nowhere.wav tiny.gguf 2>said%d; test $? -eq 1",
                           root, i, ways[i], i == 0 ? "&" : "opt\\/tx\\/lib\\/libtingxie.a", i, i, i, i);
        if (failed)
            fail_msg("the example does not build or run against the installed tree (%s)", ways[i]);
        assert_int_equal(shell("grep -q '^transcribe: .*/nowhere.wav' '%s/said%d'", root, i), 0);
        /* lines of start, end, hanzi; the same as the program says, without what stands in its own data folder where that is not found: the
         * shared library looks beside itself, the archive is part of a stranger's program */
        assert_int_equal(shell("cd '%s' && test -s heard%d && test \"$(sed 's/^ *[0-9.]* *[0-9.]* *//' heard%d | tr -d '\\n')\" "
                               "= \"$(opt/tx/bin/tingxie transcribe %s -m tiny.gguf sound.wav)\"", root, i, i,
                               i == 0 ? "" : "--lm-weight 0"), 0);
    }
    /* the header alone, as C and as C++ where there is a compiler for it */
    assert_int_equal(shell("cd '%s' && echo '#include <tingxie.h>' >one.c && "
                           "${CC:-cc} -std=c11 -Wall -Wextra -Werror -Iopt/tx/include -fsyntax-only one.c && cp one.c one.cc && "
                           "{ ! command -v c++ >/dev/null || c++ -Wall -Wextra -Werror -Iopt/tx/include -fsyntax-only one.cc; }",
                           root), 0);
}

/* One that trains, with the archives that tingxie-train.pc names. */
static void a_stranger_can_train(void **state)
{
    (void)state;
    if (!only_plain_build())
        skip_because("the installed tree is checked in the plain build");
    assert_int_equal(shell("cd '%s' && cat >mint.c <<'END'\n"
                           "#include <stdio.h>\n#include <tingxie.h>\n#include <tingxie_train.h>\n"
                           "int main(void)\n{\n    if (ting_make_toy_corpus(\"toys\", 10, 1) == TING_OK)\n        return 0;\n"
                           "    puts(ting_error_message());\n    return 1;\n}\nEND\n"
                           "export PKG_CONFIG_PATH=opt/tx/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=\"$PWD\" && "
                           "${CC:-cc} -std=c11 -Wall -Werror mint.c -o mint $(pkg-config --cflags --libs tingxie-train) && ./mint && "
                           "test -s toys/train.tsv", root), 0);
}

static void only_the_public_names_leave_the_library(void **state)
{
    (void)state;
    if (!only_plain_build())
        skip_because("the installed tree is checked in the plain build");
    /* every exported name is declared in the header, and nothing of the trainer is inside */
    assert_int_equal(shell("cd '%s/opt/tx' && nm -D --defined-only lib/libtingxie.so.0 | awk '{print $3}' >../names && "
                           "test -s ../names && while read -r n; do grep -q \"\\b$n(\" include/tingxie.h || "
                           "{ echo \"$n is not public\"; exit 1; }; done <../names && "
                           "for n in $(sed -n 's/^TING_API .*\\(ting_[a-z_]*\\)(.*/\\1/p' include/tingxie.h); do "
                           "grep -qx $n ../names || { echo \"$n is missing\"; exit 1; }; done", root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_in_its_place),
        cmocka_unit_test(a_stranger_can_build_and_run),
        cmocka_unit_test(a_stranger_can_train),
        cmocka_unit_test(only_the_public_names_leave_the_library),
    };
    return cmocka_run_group_tests(tests, install, NULL);
}
