/*
 * Semihosting: access to files and exit code of the host, in Arm's convention, which RISC-V shares.
 * Needs no C library.
 */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include <stddef.h>
#include <stdint.h>

enum {
    SEMIHOST_OPEN = 0x01,
    SEMIHOST_WRITE = 0x05,
    SEMIHOST_READ = 0x06,
    SEMIHOST_EXIT_EXTENDED = 0x20
};

/* Modes of SEMIHOST_OPEN, "rb" and "wb" of fopen. */
enum { SEMIHOST_RB = 1, SEMIHOST_WB = 5 };

/* The trap itself, in the start-up code. */
uintptr_t semihost(uintptr_t operation, const void *arguments);

/* End with an exit code. */
static inline void semihost_exit(int code)
{
    const uintptr_t arguments[] = {0x20026 /* ADP_Stopped_ApplicationExit */, (uintptr_t)code};

    for (;;) {
        semihost(SEMIHOST_EXIT_EXTENDED, arguments);
    }
}

/* Open a file whose name has n characters; exit with `code` if that fails. */
static inline uintptr_t semihost_open(const char *name, size_t n, uintptr_t mode, int code)
{
    const uintptr_t arguments[] = {(uintptr_t)name, mode, n};
    const uintptr_t file = semihost(SEMIHOST_OPEN, arguments);

    if (file == UINTPTR_MAX) {
        semihost_exit(code);
    }
    return file;
}

/* Read exactly n bytes; exit with `code` if there are fewer. */
static inline void semihost_read(uintptr_t file, void *bytes, size_t n, int code)
{
    const uintptr_t arguments[] = {file, (uintptr_t)bytes, n};

    if (n > 0 && semihost(SEMIHOST_READ, arguments) != 0) {
        semihost_exit(code);
    }
}

/* Write exactly n bytes; exit with `code` if that fails. */
static inline void semihost_write(uintptr_t file, const void *bytes, size_t n, int code)
{
    const uintptr_t arguments[] = {file, (uintptr_t)bytes, n};

    if (n > 0 && semihost(SEMIHOST_WRITE, arguments) != 0) {
        semihost_exit(code);
    }
}

#endif
