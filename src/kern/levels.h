/* SPDX-License-Identifier: Apache-2.0 */
/*
 * levels.h - the names of the kernels of each instruction set: internal to kern/.
 *
 * Kernel `name` of kern.def is ting_<name>_<level>; which levels a build has is decided here alone.
 */
#ifndef TING_KERN_LEVELS_H
#define TING_KERN_LEVELS_H

#include "kern/gemm_kern.h"
#include "kern/kern.h"

#if defined(TING_DOUBLE) || defined(TING_SCALAR_ONLY)
#define TING_HAVE_X86 0
#define TING_HAVE_ARM 0
#else
#if defined(__x86_64__)
#define TING_HAVE_X86 1
#else
#define TING_HAVE_X86 0
#endif
#if defined(__aarch64__)
#define TING_HAVE_ARM 1
#else
#define TING_HAVE_ARM 0
#endif
#endif

#define TING_KERN(result, name, arguments) result ting_##name##_ref arguments;
#include "kern/kern.def"
#undef TING_KERN

#endif
