/* The dual multiply-accumulates of <arm_acle.h>, for tests of the kernels on any machine. */
#ifndef TESTS_ARM_ACLE_H
#define TESTS_ARM_ACLE_H

#include <stdint.h>

static inline int32_t tests_low(int32_t x)
{
    return (int16_t)(x & 0xFFFF);
}

static inline int32_t tests_products(int32_t a, int32_t b, int64_t *sum)
{
    *sum += (int64_t)tests_low(a) * tests_low(b) + (int64_t)(a >> 16) * (b >> 16);
    return (int32_t)(uint32_t)(uint64_t)*sum; /* the sum wraps, as in the processor */
}

static inline int32_t __smlad(int32_t a, int32_t b, int32_t sum)
{
    int64_t wide = sum;

    return tests_products(a, b, &wide);
}

static inline int64_t __smlald(int32_t a, int32_t b, int64_t sum)
{
    tests_products(a, b, &sum);
    return sum;
}

#endif
