/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fft.c - see fft.h. Stockham's self-sorting form (Van Loan, Computational Frameworks for the Fast Fourier Transform,
 * 1992, section 1.7), real and imaginary parts apart so that the inner loops are plain vectors.
 *
 * A pass of radix r takes s interleaved transforms of length r m to r s of length m:
 *
 *     y[q + s (r p + k)] = w^(p k) sum over j of x[q + s (p + m j)] exp(-2 pi i j k / r),
 *     w = exp(-2 pi i / (r m)),  0 <= q < s, 0 <= p < m, 0 <= k < r
 *
 * An even n is done as n / 2 complex numbers, neighbours being real and imaginary part.
 */
#include "feat/fft.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static const double TURN = 6.283185307179586476925;
enum { MAX_PASSES = 24, MAX_SIZE = 1 << 20 };

typedef struct parts { /* an array of complex numbers */
    double *re, *im;
} parts;

typedef struct pass {
    int radix, m, s;
    parts twiddles; /* [m, radix - 1]: w^(p k), k from 1 */
    parts roots;    /* [radix]: exp(-2 pi i k / radix) */
} pass;

struct ting_fft {
    int n, size; /* size: complex numbers */
    bool even;
    int passes;
    pass pass[MAX_PASSES];
    int largest;      /* radix */
    double *scratch;  /* of ting_fft_run */
    parts half;       /* [size / 2 + 1]: exp(-2 pi i k / n), for even n */
};

/* What a transform works in, cut from one block of ting_fft_scratch values. */
typedef struct workplace {
    parts side[2]; /* [size] */
    parts gather;  /* [largest] */
} workplace;

static workplace lay_out(const ting_fft *fft, double *scratch)
{
    double *gather = scratch + 4 * fft->size;
    return (workplace){.side = {{scratch, scratch + fft->size}, {scratch + 2 * fft->size, scratch + 3 * fft->size}},
                       .gather = {gather, gather + fft->largest}};
}

size_t ting_fft_scratch(const ting_fft *fft)
{
    return 4 * (size_t)fft->size + 2 * (size_t)fft->largest;
}

static ting_err parts_new(int count, parts *out)
{
    out->re = ting_alloc((size_t)count, sizeof *out->re);
    out->im = ting_alloc((size_t)count, sizeof *out->im);
    return out->re == NULL || out->im == NULL ? TING_ERR_MEMORY : TING_OK;
}

static void parts_free(parts *p)
{
    ting_free(p->re);
    ting_free(p->im);
}

static void set_root(parts *p, int at, long long k, int n)
{
    double angle = TURN * (double)(k % n) / n;
    p->re[at] = cos(angle);
    p->im[at] = -sin(angle);
}

static ting_err pass_new(int radix, int m, int s, pass *out)
{
    ting_err err = TING_OK;
    *out = (pass){.radix = radix, .m = m, .s = s};
    TRY(parts_new(m * (radix - 1), &out->twiddles));
    TRY(parts_new(radix, &out->roots));
    for (int p = 0; p < m; p++)
        for (int k = 1; k < radix; k++)
            set_root(&out->twiddles, p * (radix - 1) + k - 1, (long long)p * k, radix * m);
    for (int k = 0; k < radix; k++)
        set_root(&out->roots, k, k, radix);
out:
    return err;
}

static int next_radix(int left)
{
    if (left % 4 == 0)
        return 4;
    for (int r = 2; r * r <= left; r++)
        if (left % r == 0)
            return r;
    return left;
}

ting_err ting_fft_new(int n, ting_fft **out)
{
    ting_err err = TING_OK;
    ting_fft *fft = NULL;
    *out = NULL;
    if (n < 1 || n > MAX_SIZE)
        FAIL(TING_ERR_ARGUMENT, "a Fourier transform of %d values, expected 1 to %d", n, MAX_SIZE);
    fft = ting_alloc(1, sizeof *fft);
    if (fft == NULL)
        return TING_ERR_MEMORY;
    fft->n = n;
    fft->even = n % 2 == 0;
    fft->size = fft->even ? n / 2 : n;
    fft->largest = 1;
    for (int left = fft->size, s = 1; left > 1;) {
        int radix = next_radix(left);
        left /= radix;
        TRY(pass_new(radix, left, s, &fft->pass[fft->passes++]));
        s *= radix;
        fft->largest = radix > fft->largest ? radix : fft->largest;
    }
    TRY(parts_new(fft->size / 2 + 1, &fft->half));
    for (int k = 0; k <= fft->size / 2; k++)
        set_root(&fft->half, k, k, n);
    fft->scratch = ting_alloc(ting_fft_scratch(fft), sizeof *fft->scratch);
    if (fft->scratch == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    *out = fft;
out:
    if (err != TING_OK)
        ting_fft_free(fft);
    return err;
}

void ting_fft_free(ting_fft *fft)
{
    if (fft == NULL)
        return;
    for (int i = 0; i < fft->passes; i++) {
        parts_free(&fft->pass[i].twiddles);
        parts_free(&fft->pass[i].roots);
    }
    ting_free(fft->scratch);
    parts_free(&fft->half);
    ting_free(fft);
}

static void radix_2(const pass *v, const double *restrict xr, const double *restrict xi,
                    double *restrict yr, double *restrict yi)
{
    size_t s = (size_t)v->s, m = (size_t)v->m;
    for (size_t p = 0; p < m; p++) {
        double wr = v->twiddles.re[p], wi = v->twiddles.im[p];
        for (size_t q = 0; q < s; q++) {
            size_t a = q + s * p, b = a + s * m, to = q + s * 2 * p;
            double dr = xr[a] - xr[b], di = xi[a] - xi[b];
            yr[to] = xr[a] + xr[b];
            yi[to] = xi[a] + xi[b];
            yr[to + s] = dr * wr - di * wi;
            yi[to + s] = dr * wi + di * wr;
        }
    }
}

/* One butterfly: inputs a b c d stand s m apart from x, outputs s apart from y. */
static inline void butterfly_4(const double *restrict xr, const double *restrict xi,
                               double *restrict yr, double *restrict yi, size_t in, size_t out,
                               const double *wr, const double *wi)
{
    double sum_r = xr[0] + xr[2 * in], sum_i = xi[0] + xi[2 * in];     /* a + c */
    double gap_r = xr[0] - xr[2 * in], gap_i = xi[0] - xi[2 * in];     /* a - c */
    double even_r = xr[in] + xr[3 * in], even_i = xi[in] + xi[3 * in]; /* b + d */
    double odd_r = xi[in] - xi[3 * in], odd_i = xr[3 * in] - xr[in];   /* -i (b - d) */
    double r1 = gap_r + odd_r, i1 = gap_i + odd_i, r2 = sum_r - even_r, i2 = sum_i - even_i;
    double r3 = gap_r - odd_r, i3 = gap_i - odd_i;
    yr[0] = sum_r + even_r;
    yi[0] = sum_i + even_i;
    yr[out] = r1 * wr[0] - i1 * wi[0];
    yi[out] = r1 * wi[0] + i1 * wr[0];
    yr[2 * out] = r2 * wr[1] - i2 * wi[1];
    yi[2 * out] = r2 * wi[1] + i2 * wr[1];
    yr[3 * out] = r3 * wr[2] - i3 * wi[2];
    yi[3 * out] = r3 * wi[2] + i3 * wr[2];
}

static void radix_4(const pass *v, const double *restrict xr, const double *restrict xi,
                    double *restrict yr, double *restrict yi)
{
    size_t s = (size_t)v->s, m = (size_t)v->m;
    for (size_t p = 0; p < m; p++) {
        const double wr[3] = {v->twiddles.re[3 * p], v->twiddles.re[3 * p + 1],
                              v->twiddles.re[3 * p + 2]};
        const double wi[3] = {v->twiddles.im[3 * p], v->twiddles.im[3 * p + 1],
                              v->twiddles.im[3 * p + 2]};
        for (size_t q = 0; q < s; q++)
            butterfly_4(xr + q + s * p, xi + q + s * p, yr + q + s * 4 * p, yi + q + s * 4 * p,
                        s * m, s, wr, wi);
    }
}

static void radix_any(const pass *v, parts gather, const double *xr, const double *xi, double *yr,
                      double *yi)
{
    int r = v->radix;
    for (int p = 0; p < v->m; p++)
        for (int q = 0; q < v->s; q++) {
            for (int j = 0; j < r; j++) {
                gather.re[j] = xr[q + v->s * (p + v->m * j)];
                gather.im[j] = xi[q + v->s * (p + v->m * j)];
            }
            for (int k = 0; k < r; k++) {
                double sum_r = gather.re[0], sum_i = gather.im[0];
                for (int j = 1, at = k; j < r;
                     j++, at = at + k < r ? at + k : at + k - r) { /* at = j k mod r */
                    sum_r += gather.re[j] * v->roots.re[at] - gather.im[j] * v->roots.im[at];
                    sum_i += gather.re[j] * v->roots.im[at] + gather.im[j] * v->roots.re[at];
                }
                int to = q + v->s * (r * p + k), w = p * (r - 1) + k - 1;
                double wr = k > 0 ? v->twiddles.re[w] : 1, wi = k > 0 ? v->twiddles.im[w] : 0;
                yr[to] = sum_r * wr - sum_i * wi;
                yi[to] = sum_r * wi + sum_i * wr;
            }
        }
}

/* Transforms side[0]; returns the one of the two that holds the result. */
static const parts *run_passes(const ting_fft *fft, const workplace *work)
{
    int from = 0;
    for (int i = 0; i < fft->passes; i++, from = 1 - from) {
        const parts *x = &work->side[from], *y = &work->side[1 - from];
        const pass *v = &fft->pass[i];
        if (v->radix == 4)
            radix_4(v, x->re, x->im, y->re, y->im);
        else if (v->radix == 2)
            radix_2(v, x->re, x->im, y->re, y->im);
        else
            radix_any(v, work->gather, x->re, x->im, y->re, y->im);
    }
    return &work->side[from];
}

/* Z is the transform of x[2t] + i x[2t + 1]; with E and O those of the even and odd values,
 * E[k] = (Z[k] + Z*[size - k]) / 2, O[k] = -i (Z[k] - Z*[size - k]) / 2, X[k] = E[k] + exp(-2 pi i k / n) O[k]. */
static void untangle(const ting_fft *fft, const parts *z, double *re, double *im)
{
    int size = fft->size;
    for (int k = 0; k <= size / 2; k++) {
        int other = k == 0 ? 0 : size - k;
        double even_r = 0.5 * (z->re[k] + z->re[other]), even_i = 0.5 * (z->im[k] - z->im[other]);
        double odd_r = 0.5 * (z->im[k] + z->im[other]), odd_i = -0.5 * (z->re[k] - z->re[other]);
        double turned_r = odd_r * fft->half.re[k] - odd_i * fft->half.im[k];
        double turned_i = odd_r * fft->half.im[k] + odd_i * fft->half.re[k];
        re[k] = even_r + turned_r;
        im[k] = even_i + turned_i;
        re[size - k] = even_r - turned_r; /* X[size - k] = (E[k] - turned O[k])* */
        im[size - k] = turned_i - even_i;
    }
}

void ting_fft_run_in(const ting_fft *fft, double *scratch, const double *x, double *re, double *im)
{
    const workplace work = lay_out(fft, scratch);
    const parts *in = &work.side[0];
    for (int t = 0; t < fft->size; t++) {
        in->re[t] = fft->even ? x[2 * t] : x[t];
        in->im[t] = fft->even ? x[2 * t + 1] : 0;
    }
    const parts *z = run_passes(fft, &work);
    if (fft->even)
        untangle(fft, z, re, im);
    for (int k = 0; !fft->even && k <= fft->n / 2; k++) {
        re[k] = z->re[k];
        im[k] = z->im[k];
    }
}

void ting_fft_run(ting_fft *fft, const double *x, double *re, double *im)
{
    ting_fft_run_in(fft, fft->scratch, x, re, im);
}
