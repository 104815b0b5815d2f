/* SPDX-License-Identifier: Apache-2.0 */
/* quantise.h - the scale of an int8 row, for the bodies of int8 micro-kernels; after vec_<set>.h. */
#include <math.h>

/* The scale of a row, and the factor that brings it to -127..127; as ting_quantise_ref. */
static float row_scale(int k, const float *x, float *inverse)
{
    vec top = v_zero();
    vmask nan = v_never();
    int p = 0;
    for (; p < k; p += LANES) {
        vec size = v_abs(v_load_part(x + p, v_part(k - p)));
        nan = v_either(nan, v_is_nan(size));
        top = v_max(size, top);
    }
    float largest = v_top(top);
    *inverse = 127.0f / largest;
    if (v_any(nan) || isinf(largest) || largest == 0.0f || isinf(*inverse)) {
        *inverse = 0;
        return v_any(nan) || isinf(largest) ? NAN : 0.0f;
    }
    return largest / 127.0f;
}
