/* SPDX-License-Identifier: Apache-2.0 */
/*
 * real.h - the element type of tensors: float, or double when built with -DTING_DOUBLE.
 *
 * The double build exists for gradient checks: in float a 0.1 % error in one gradient term hides under
 * rounding, in double it stands out by five orders. Sources below model/ call <tgmath.h> functions on it.
 */
#ifndef TING_BASE_REAL_H
#define TING_BASE_REAL_H

#ifdef TING_DOUBLE
typedef double ting_real;
#else
typedef float ting_real;
#endif

#endif
