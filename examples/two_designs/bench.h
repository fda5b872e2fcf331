/* Sensor and hash of the examples: the same numbers on every processor. */
#ifndef BENCH_H
#define BENCH_H

#include "board.h"

#include <stdint.h>
#include <string.h>

#define SENSOR_SEED 1u
#define HASH_SEED UINT32_C(0x811C9DC5)

/* The next pseudo-random number: xorshift32. */
static inline uint32_t next_noise(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

/* FNV-1a over bytes. */
static inline uint32_t hash_bytes(uint32_t hash, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hash = (uint32_t)((hash ^ bytes[i]) * UINT64_C(0x01000193));
    }
    return hash;
}

/* FNV-1a over the four bytes of a word, the least significant first. */
static inline uint32_t hash_word(uint32_t hash, int32_t word)
{
    const uint32_t x = (uint32_t)word;
    const uint8_t bytes[4] = {(uint8_t)(x & 255u), (uint8_t)(x >> 8 & 255u),
        (uint8_t)(x >> 16 & 255u), (uint8_t)(x >> 24)};

    return hash_bytes(hash, bytes, sizeof bytes);
}

/* Print a label of at most 20 characters and a number of eight hexadecimal digits. */
static inline void print_number(const char *label, uint32_t number)
{
    char line[32];
    size_t n = strlen(label);

    memcpy(line, label, n);
    line[n++] = ' ';
    for (int shift = 28; shift >= 0; shift -= 4) {
        line[n++] = "0123456789ABCDEF"[number >> shift & 15u];
    }
    line[n++] = '\n';
    board_print(line, n);
}

#endif
