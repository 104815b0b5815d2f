/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transcribe.c - the smallest useful program with libtingxie: prints what a recording says, with times.
 *
 *     cc transcribe.c -o transcribe $(pkg-config --cflags --libs tingxie)
 *     ./transcribe talk.wav [MODEL]
 */
#include <stdio.h>
#include <tingxie.h>

int main(int argc, char **argv)
{
    ting_model *model = NULL;
    ting_result *result = NULL;
    if (argc < 2) {
        fprintf(stderr, "usage: transcribe FILE [MODEL]\n");
        return 2;
    }
    ting_err err = ting_model_open(argc > 2 ? argv[2] : NULL, NULL, &model);
    if (err == TING_OK)
        err = ting_recognize_file(model, argv[1], NULL, &result);
    if (err != TING_OK)
        fprintf(stderr, "transcribe: %s\n", ting_error_message());
    for (int i = 0; err == TING_OK && i < ting_result_sentence_count(result); i++) {
        const ting_sentence *sentence = ting_result_sentence(result, i);
        printf("%7.2f %7.2f  %s\n", sentence->start, sentence->end, sentence->text);
    }
    ting_result_free(result);
    ting_model_free(model);
    return err == TING_OK ? 0 : 1;
}
