/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rng.h - counter-based random numbers: the n-th number of a stream is a function of (key, n).
 *
 * Nothing is stored but the key and a counter, so a dropout mask is regenerated in backward instead of
 * kept, any thread can compute any part of it, and a resumed training draws what it would have drawn.
 * The mixing function is SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014), applied to the key plus the counter times the golden ratio.
 */
#ifndef TING_BASE_RNG_H
#define TING_BASE_RNG_H

#include <stdint.h>

typedef struct ting_rng {
    uint64_t key;
    uint64_t counter; /* of the next number */
} ting_rng;

/* A stream for a seed and a purpose: streams with different purposes are independent. */
ting_rng ting_rng_new(uint64_t seed, uint64_t purpose);

/* What random numbers of a training are for. Never renumbered: a checkpoint goes on with the same numbers. */
typedef enum ting_rng_purpose {
    TING_RNG_START = 1, /* first weights; a: parameter */
    TING_RNG_ORDER,     /* of an epoch; a: epoch */
    TING_RNG_BATCH,     /* what is done to a batch; a: epoch, b: batch */
    TING_RNG_DROPOUT,   /* a: step, b: rank (train/ranks.h) */
    TING_RNG_ITEM       /* what is done to an item of a batch; seed: the key of the batch's stream, a: its place there */
} ting_rng_purpose;

/* The stream of a training's seed for one purpose and up to two numbers: independent of all others. */
ting_rng ting_rng_for(uint64_t seed, ting_rng_purpose purpose, uint64_t a, uint64_t b);

/* The n-th 64 bits of the stream `key`. */
static inline uint64_t ting_rng_at(uint64_t key, uint64_t n)
{
    uint64_t z = key + (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t ting_rng_next(ting_rng *rng);

/* Uniform in [0, 1) with 53 random bits. */
double ting_rng_uniform(ting_rng *rng);

/* Uniform in [0, bound), bound >= 1, without bias. */
uint32_t ting_rng_below(ting_rng *rng, uint32_t bound);

/* Standard normal (Box and Muller). */
double ting_rng_normal(ting_rng *rng);

#endif
