/* What all programs share: NumPy's inner loops, by the strides they are called with, and NumPy's maximum. */
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline, unused))
typedef uint8_t boolean; /* NumPy's bool */

/* An inner loop of a ufunc: addresses of the operands, how many elements, bytes between two of each. */
typedef struct {
    void (*run)(char **operands, const intptr_t *counts, const intptr_t *strides, void *data);
    void *data;
} numpy_loop;

/* z[i] = f(x[i]) for n elements; strides are in bytes, and positive */
INLINE void unary(const numpy_loop *f, const void *x, intptr_t sx, void *z, intptr_t sz, intptr_t n) {
    char *operands[2] = {(char *)x, (char *)z};
    intptr_t strides[2] = {sx, sz};
    f->run(operands, &n, strides, f->data);
}

/* z[i] = f(x[i], y[i]) */
INLINE void binary(const numpy_loop *f, const void *x, intptr_t sx, const void *y, intptr_t sy, void *z, intptr_t sz,
                   intptr_t n) {
    char *operands[3] = {(char *)x, (char *)y, (char *)z};
    intptr_t strides[3] = {sx, sy, sz};
    f->run(operands, &n, strides, f->data);
}

/* z = f(z, x[i]), one after the other; with np.add and sz = 0 it is NumPy's pairwise sum */
INLINE void reduce(const numpy_loop *f, void *z, intptr_t sz, const void *x, intptr_t sx, intptr_t n) {
    binary(f, z, sz, x, sx, z, sz, n);
}

/* c = a b: a has m rows of k, b has k rows of n; from row to row and from column to column are bytes */
INLINE void matmul(const numpy_loop *f, const void *a, intptr_t a_row, intptr_t a_column, const void *b, intptr_t b_row,
                   intptr_t b_column, void *c, intptr_t c_row, intptr_t c_column, intptr_t m, intptr_t k, intptr_t n) {
    char *operands[3] = {(char *)a, (char *)b, (char *)c};
    intptr_t counts[4] = {1, m, k, n};
    intptr_t strides[9] = {0, 0, 0, a_row, a_column, b_row, b_column, c_row, c_column};
    f->run(operands, counts, strides, f->data);
}

/* Floating-point flags that NumPy would report. Some of NumPy's loops (maximum, tanh, comparisons) clear the flags that
   were raised before: read them first. */
INLINE int raised(void) { return fetestexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID); }
const int flag_numbers[] = {FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INVALID};

/* The flags that were raised so far in this call. */
static _Thread_local int flags;
INLINE void note(void) { flags |= raised(); }

/* The bits of a number, read as those of another type */
INLINE float as_float(int32_t x) { float z; memcpy(&z, &x, 4); return z; }
INLINE int32_t as_int32_t(float x) { int32_t z; memcpy(&z, &x, 4); return z; }
INLINE double as_double(int64_t x) { double z; memcpy(&z, &x, 8); return z; }
INLINE int64_t as_int64_t(double x) { int64_t z; memcpy(&z, &x, 8); return z; }

/* np.maximum and np.minimum of one pair on x86, with zeros of both signs and NaNs as there; elsewhere use the loop */
#if defined(__x86_64__) || defined(__i386__)
INLINE float maximum_float(float a, float b) { return a > b || a != a ? a : b; }
INLINE float minimum_float(float a, float b) { return a < b || a != a ? a : b; }
INLINE double maximum_double(double a, double b) { return a > b || a != a ? a : b; }
INLINE double minimum_double(double a, double b) { return a < b || a != a ? a : b; }
#endif
