/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ranks.c - training under mpirun: one and several processes agree, and what is interrupted or killed goes on
 * exactly.
 */
#include "support/support.h"

#include "support/program.h"
#include "support/training.h"

#include "base/build.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tingxie_train.h"
#include "train/am_task.h"
#include "train/ranks.h"
#include "train/trainer.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEEDS_MPIRUN()                                                                                                 \
    do {                                                                                                               \
        if (!ting_build_has(TING_BUILD_MPI))                                                                           \
            skip_because("training under mpirun needs a build with Open MPI");                                         \
        if (system("command -v mpirun >/dev/null 2>&1") != 0)                                                          \
            skip_because("training under mpirun needs the program mpirun (openmpi-bin)");                              \
    } while (0)

/* Without chance but in the sound, which is the same whatever the number of ranks: no dropout, no batch norm. AdamW
 * with an epsilon that does not blow up gradients which are nothing but rounding. */
static const char am_recipe[] =
    "model: {encoder: conformer, dim: 32, heads: 2, layers: 2, feedforward: 64, kernel: 7, norm: layer, causal: true,\n"
    "        dropout: 0, attention_dropout: 0, position_dropout: 0, chunks: [8, 0, 4],\n"
    "        transducer: {decoder_dim: 16, joiner_dim: 16}}\n"
    "data: {train: [{manifest: train.tsv}], seconds: 12, window: 20}\n"
    "augment: {speed: [0.9, 1.1], noise: [{share: 0.5}], mask: {warp: 20}}\n"
    "loss: {prune: 0}\n";

static const char steady_plan[] = "optimizer: adamw, schedule: hold, rate: 0.002, eps: 0.001, warmup: 5, decay: 0, "
                                  "save_every: 10, measure_every: 1000, log_every: 10";

static char *write_recipe(const char *name, const char *model, const char *plan, int steps)
{
    ting_str text = {0};
    char *path = ting_temp_path(name);
    ting_str_addf(&text, "%strain: {%s, steps: %d}\n", model, plan, steps);
    assert_ok(ting_file_save(path, text.text, text.length));
    ting_str_free(&text);
    return path;
}

/* A command line by so many ranks; 0: without mpirun. What it says goes to `log`; exit status 0 is asked for. */
static void launch(int ranks, const char *command, const char *log)
{
    ting_str line = {0};
    if (ranks > 0)
        ting_str_addf(&line, "mpirun --allow-run-as-root --oversubscribe -n %d ", ranks);
    ting_str_addf(&line, "%s >%s 2>&1", command, log);
    if (system(line.text) != 0) {
        ting_str_clear(&line);
        ting_str_addf(&line, "cat %s", log);
        assert_int_equal(system(line.text), 0);
        fail_msg("%d ranks: %s failed", ranks, command);
    }
    ting_str_free(&line);
}

/* `tingxie train ...` into a folder. */
static void train(int ranks, const char *arguments, const char *folder)
{
    ting_str line = {0}, log = {0};
    ting_str_addf(&line, "%s train %s -o %s -t 1", ting_program_path(), arguments, folder);
    ting_str_addf(&log, "%s.log", folder);
    launch(ranks, line.text, log.text);
    ting_str_free(&line);
    ting_str_free(&log);
}

/* The weights of two checkpoints, and of their means, are the same within rounding, which comes to less than `most`;
 * not trivially so. */
static void assert_agree(const char *a, const char *b, double most)
{
    const double apart = ting_checkpoint_distance(a, b);
    if (!(apart > 0 && apart < most))
        fail_msg("%s and %s are %g apart", a, b, apart);
}

static void one_and_several_ranks_agree(void **state)
{
    (void)state;
    NEEDS_MPIRUN();
    char *toy = ting_temp_path("toy"), *recipe = write_recipe("agree.yaml", am_recipe, steady_plan, 10);
    char *folder[3] = {ting_temp_path("r1"), ting_temp_path("r2"), ting_temp_path("r4")};
    const int ranks[3] = {0, 2, 4};
    ting_str arguments = {0};
    assert_ok(ting_make_toy_corpus(toy, 24, 1));
    ting_str_addf(&arguments, "am %s -d %s", recipe, toy);
    for (int i = 0; i < 3; i++)
        train(ranks[i], arguments.text, folder[i]);
    assert_agree(folder[0], folder[1], 1e-4);
    assert_agree(folder[0], folder[2], 1e-4);
    ting_str_free(&arguments);
    char *const all[] = {toy, recipe, folder[0], folder[1], folder[2]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* Also with batches of so few sentences that some ranks get none. */
static void pinyin_to_hanzi_agrees_too(void **state)
{
    (void)state;
    NEEDS_MPIRUN();
    char *corpus = ting_tiny_corpus("tiny.corpus", 30), *alone = ting_temp_path("p1"), *three = ting_temp_path("p3");
    char *recipe =
        write_recipe("p2h.yaml",
                     "model: {embedding: 16, pair_rows: 64, triple_rows: 64, ngram_dim: 8, layers: 1, width: 16, "
                     "heads: 2, inner: 32, dropout: 0, input_dropout: 0}\n"
                     "data: {tokens: 14, window: 8, spoil: {share: 0.3, tone: 0.1, initial: 0.05}}\n",
                     "rate: 0.01, eps: 0.001, warmup: 5, decay: 0, save_every: 10, measure_every: 1000", 10);
    ting_str arguments = {0};
    ting_str_addf(&arguments, "p2h %s --corpus %s", recipe, corpus);
    train(0, arguments.text, alone);
    train(3, arguments.text, three);
    assert_agree(alone, three, 1e-4);
    ting_str_free(&arguments);
    char *const all[] = {corpus, alone, three, recipe};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* ---- a Zipformer without chance ---- */

/* The program has no such training: chance is what a Zipformer learns well by. So this program is the ranks, too:
 * test_ranks MODE RECIPE DATA FOLDER. */
static const char *own_path;
static bool edited; /* MODE "edited": gradients are edited, at every place where they may be; "plain": at none */
static ting_err (*loss_of_batch)(void *self, ting_ctx *ctx, size_t place, ting_tensor *sum, double *units);

static ting_err loss_without_chance(void *self, ting_ctx *ctx, size_t place, ting_tensor *sum, double *units)
{
    ctx->training = edited;
    ctx->steady = true;
    return loss_of_batch(self, ctx, place, sum, units);
}

static int be_a_rank(char *const *words)
{
    ting_err err = TING_OK;
    ting_ranks ranks = {0};
    ting_am_recipe recipe = {0};
    ting_am_task network = {0};
    ting_task task;
    edited = strcmp(words[0], "edited") == 0;
    TRY(ting_ranks_join(&ranks));
    TRY(ting_am_recipe_load(words[1], NULL, &recipe));
    const ting_am_files files = {.data = words[2], .folder = words[3], .ranks = &ranks, .to_train = true};
    TRY(ting_am_task_make(&network, &recipe, &files, NULL));
    TRY(ting_am_task_view(&network, &task));
    loss_of_batch = task.loss;
    task.loss = loss_without_chance;
    const ting_log silent = {0};
    TRY(ting_trainer_run(&task, &recipe.plan,
                         &(ting_trainer_options){
                             .folder = words[3], .title = words[1], .threads = 1, .ranks = &ranks, .log = &silent}));
out:
    if (err != TING_OK)
        fprintf(stderr, "%s\n", ting_error_message());
    ting_am_task_free(&network);
    ting_am_recipe_free(&recipe);
    ting_ranks_leave(&ranks);
    return err != TING_OK;
}

/* Returns the owned folder of a training by `ranks` ranks. */
static char *train_steadily(int ranks, const char *mode, const char *recipe, const char *toy)
{
    char name[64];
    snprintf(name, sizeof name, "%s-%s-%d", mode, strrchr(recipe, '/') + 1, ranks);
    char *folder = ting_temp_path(name), *log = ting_temp_path("zipformer.log");
    ting_str line = {0};
    ting_str_addf(&line, "%s %s %s %s %s", own_path, mode, recipe, toy, folder);
    launch(ranks, line.text, log);
    ting_str_free(&line);
    ting_free(log);
    return folder;
}

/* copies.tsv: the first utterance of a corpus, `count` times under another name. */
static void write_copies(const char *toy, int count)
{
    char *from = ting_path_join(toy, "train.tsv"), *to = ting_path_join(toy, "copies.tsv");
    ting_file file;
    ting_str text = {0};
    assert_ok(ting_file_map(from, &file));
    const char *first = (const char *)memchr(file.data, '\n', file.size) + 1;
    const size_t head = (size_t)(first - (const char *)file.data);
    const size_t length = (size_t)((const char *)memchr(first, '\n', file.size - head) - first) + 1;
    ting_str_add_bytes(&text, file.data, head);
    for (int i = 0; i < count; i++) {
        ting_str_addf(&text, "copy%d-", i);
        ting_str_add_bytes(&text, first, length);
    }
    assert_ok(ting_file_save(to, text.text, text.length));
    ting_str_free(&text);
    ting_file_unmap(&file);
    ting_free(from);
    ting_free(to);
}

#define ZIPFORMER                                                                                                      \
    "model: {downsampling: [1, 2], dims: [24, 32], heads: 2, query_dims: 8, value_dims: 8, pos_head_dims: 4, "         \
    "feedforward: 32,\n        kernels: 7, embed_channels: [2, 4, 8], pos_dim: 16, causal: true, chunks: [8, 0], "     \
    "lefts: [16],\n        transducer: {decoder_dim: 16, joiner_dim: 16}}\nloss: {prune: 0}\n"

/* X * on all ranks only where their shares are the same: copies of one sentence. */
static void a_zipformer_agrees(void **state)
{
    (void)state;
    NEEDS_MPIRUN();
    enum { COPIES = 4 };
    static const char several[] = ZIPFORMER "data: {train: [{manifest: train.tsv}], seconds: 12, window: 20}\n"
                                            "augment: {speed: [0.9, 1.1], noise: [{share: 0.5}], mask: {warp: 20}}\n",
                      same[] = ZIPFORMER "data: {train: [{manifest: copies.tsv}], seconds: 100}\n";
    char *toy = ting_temp_path("zipformer-toy");
    char *mixed = write_recipe("mixed.yaml", several, steady_plan, 6);
    char *copied = write_recipe("copied.yaml", same, steady_plan, 6);
    assert_ok(ting_make_toy_corpus(toy, 24, 1));
    write_copies(toy, COPIES);
    char *plain = train_steadily(0, "plain", mixed, toy), *plain2 = train_steadily(2, "plain", mixed, toy);
    char *edit = train_steadily(0, "edited", copied, toy), *edit2 = train_steadily(2, "edited", copied, toy);
    char *bare = train_steadily(0, "plain", copied, toy);
    assert_agree(plain, plain2, 1e-6); /* measured: 6e-9 */
    assert_agree(edit, edit2, 1e-6);   /* 7e-8; shares of different sentences, edited, would be 7e-5 apart */
    assert_true(ting_checkpoint_distance(edit, bare) > 1e-4);
    char *const all[] = {toy, mixed, copied, plain, plain2, edit, edit2, bare};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* ---- interrupted, killed ---- */

static pid_t begin(const char *recipe, const char *toy, const char *folder)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        execlp("mpirun", "mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", ting_program_path(), "train",
               "am", recipe, "-d", toy, "-o", folder, "-t", "1", (char *)NULL);
        _exit(2);
    }
    return child;
}

/* The last of a process's children; 0: it has none. */
static pid_t child_of(pid_t parent)
{
    char path[64];
    int child = 0, next;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fscanf(file, "%d", &next) == 1)
        child = next;
    fclose(file);
    return (pid_t)child;
}

/* Sends the signal to one of the ranks after the checkpoint of step 10, if it is not too late. Returns the status of
 * mpirun: 0 means that all were through before. */
static int disturb(pid_t mpirun, const char *folder, int signal_number)
{
    int status;
    char *kept = ting_path_join(folder, "checkpoint-10");
    for (int i = 0; i < 12000 && !ting_file_exists(kept); i++)
        usleep(10000);
    assert_true(ting_file_exists(kept));
    const pid_t rank = child_of(mpirun);
    if (rank > 0)
        kill(rank, signal_number);
    assert_int_equal(waitpid(mpirun, &status, 0), mpirun);
    ting_free(kept);
    return status;
}

static void interrupted_and_killed_ranks_go_on_exactly(void **state)
{
    (void)state;
    NEEDS_MPIRUN();
    char plan[sizeof steady_plan + 32];
    snprintf(plan, sizeof plan, "%s, keep: 100", steady_plan);
    char *toy = ting_temp_path("again"), *recipe = write_recipe("again.yaml", am_recipe, plan, 30);
    char *whole = ting_temp_path("whole");
    ting_str arguments = {0};
    assert_ok(ting_make_toy_corpus(toy, 24, 1));
    ting_str_addf(&arguments, "am %s -d %s", recipe, toy);
    train(2, arguments.text, whole);
    const int signals[] = {SIGKILL, SIGTERM};
    for (int hits = 0, tries = 0; hits < 2; tries++) {
        char name[32];
        snprintf(name, sizeof name, "disturbed-%d", tries);
        char *folder = ting_temp_path(name), *end = ting_path_join(folder, "checkpoint-30");
        const int status = disturb(begin(recipe, toy, folder), folder, signals[hits]);
        const bool missed = WIFEXITED(status) && WEXITSTATUS(status) == 0; /* this process had to wait for a processor */
        assert_int_equal(ting_file_exists(end), missed);
        assert_true(tries < 8);
        hits += !missed;
        train(2, arguments.text, folder);
        ting_assert_same_state(whole, folder);
        ting_free(folder);
        ting_free(end);
    }
    ting_str_free(&arguments);
    char *const all[] = {toy, recipe, whole};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* Two ranks, of which the second one has `odd` in its command line; all end, and one says `part`. */
static void assert_fail_together(const char *toy, const char *odd, const char *part)
{
    char *recipe = write_recipe("fail.yaml", am_recipe, steady_plan, 20);
    char *folder = ting_temp_path("fail-run"), *log = ting_temp_path("fail.log");
    ting_str line = {0};
    ting_file file;
    ting_str_addf(
        &line,
        "timeout 300 mpirun --allow-run-as-root --oversubscribe -n 2 sh -c '[ $OMPI_COMM_WORLD_RANK = 0 ] || odd=\"%s\"; "
        "exec %s train am %s -o %s -t 1 -d %s$odd' >%s 2>&1",
        odd, ting_program_path(), recipe, folder, toy, log);
    const int status = system(line.text);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 124);
    assert_ok(ting_file_map(log, &file));
    ting_str_clear(&line);
    ting_str_add_bytes(&line, file.data, file.size);
    ting_file_unmap(&file);
    if (strstr(line.text, part) == NULL)
        fail_msg("not said: %s, but: %s", part, line.text);
    ting_str_free(&line);
    char *const all[] = {recipe, folder, log};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ting_free(all[i]);
}

/* What fails on one rank is said and ends all of them; none waits for ever. */
static void ranks_fail_together(void **state)
{
    (void)state;
    NEEDS_MPIRUN();
    char *toy = ting_temp_path("fail");
    assert_ok(ting_make_toy_corpus(toy, 20, 1));
    assert_fail_together(toy, "/no", "/no/train.tsv"); /* rank 0 says it too, unless mpirun ends it before it can */
    assert_fail_together(toy, " --set loss.ctc=0.5", "rank 1 of 2 has another recipe than rank 0");
    ting_free(toy);
}

/* A build without MPI would otherwise train the same network several times into one folder. */
static void without_mpi_mpirun_is_refused(void **state)
{
    (void)state;
    if (ting_build_has(TING_BUILD_MPI))
        skip_because("this build has MPI: what one without it says is not tested");
    char *recipe = write_recipe("none.yaml", am_recipe, steady_plan, 20), *folder = ting_temp_path("none");
    ting_program_run run = ting_run_program_with((const char *[]){"train", "am", recipe, "-o", folder, NULL}, NULL, 0,
                                                 (const char *[]){"OMPI_COMM_WORLD_SIZE=2", NULL});
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "cannot train under mpirun"));
    ting_program_free(&run);
    ting_free(recipe);
    ting_free(folder);
}

int main(int argc, char **argv)
{
    if (argc == 5)
        return be_a_rank(argv + 1);
    own_path = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_mpi_mpirun_is_refused),
        cmocka_unit_test(one_and_several_ranks_agree),
        cmocka_unit_test(pinyin_to_hanzi_agrees_too),
        cmocka_unit_test(a_zipformer_agrees),
        cmocka_unit_test(ranks_fail_together),
        cmocka_unit_test(interrupted_and_killed_ranks_go_on_exactly),
    };
    /* of the ranks: sanitizers see the leaks and races of MPI's modules, which are unloaded before their names are
     * asked for */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    setenv("TSAN_OPTIONS", "report_bugs=0", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
