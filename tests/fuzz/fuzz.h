/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - a fuzz target: one parser of outside bytes.
 *
 * Each tests/fuzz/fuzz_<parser>.c defines the two functions below. `make fuzz FUZZ=<parser> SECONDS=60` runs it
 * under libFuzzer with sanitizers, beginning from its seeds and from tests/fuzz/corpus/<parser>/ (inputs that
 * once were findings). `make test` runs replay.c instead: seeds and corpus, their truncations, and a fixed
 * set of mutations.
 */
#ifndef TING_TESTS_FUZZ_H
#define TING_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Parses the bytes and looks at what came out. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Gives well-formed inputs, one call each. */
typedef void ting_fuzz_take(void *self, const void *bytes, size_t size);
void ting_fuzz_seeds(ting_fuzz_take *take, void *self);

/* An owned copy of exactly `size` bytes, aligned to TING_ALIGN: a read beyond its end shows under ASan. */
unsigned char *ting_fuzz_copy(const uint8_t *data, size_t size);

/* The path of a file in memory with these bytes, for parsers that open a path; valid until the next call. */
const char *ting_fuzz_file(const uint8_t *data, size_t size);

/* Gives the content of a file that a seed maker wrote. */
void ting_fuzz_take_file(ting_fuzz_take *take, void *self, const char *path);

#endif
