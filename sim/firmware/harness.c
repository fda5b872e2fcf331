/*
 * Runs steps on a board, from its input to its output; see exchange.h.
 *
 * The input is a sequence of runs: two 32-bit words, the number of steps and the flags, then a saved
 * state if a flag says so, then PREFIX_in words. A run with 0 steps ends the input. The output of a run is the PREFIX_out words of
 * its steps with an output, then the saved state. A program with outputs on demand has one in the
 * last step of a run. Macros to define: PREFIX, PREFIX_UPPER, HEADER, OUTPUT_EVERY, CHUNK_STEPS.
 */
#include HEADER
#include "exchange.h"

#define JOIN(a, b) a##b
#define NAME(a, b) JOIN(a, b)
#define API(name) NAME(PREFIX, name)
#define SIZE(name) NAME(PREFIX_UPPER, name)

enum { FROM_RESET = 1, SINGLE_STEPS = 2, CHECK_READY = 4, LAST_ONLY = 8, LOADED = 16 };

/* Exit codes, equal to those in lmu_hw/firmware/boards/qemu.py. */
enum { NO_FILES = 10, CUT_SHORT = 11, NOT_WRITTEN = 12, NOT_LOADED = 13, FAULT = 14, NOT_SAVED = 16, NOT_READY = 17 };

static API(_state) state;
static uint8_t saved[SIZE(_SAVED_BYTES)];
static API(_in) u[CHUNK_STEPS * SIZE(_N_IN)];
static API(_out) y[CHUNK_STEPS * SIZE(_N_OUT)];

int main(void);
void program_done(int code);
void fault(void);
void mark(void);

void program_done(int code)
{
    exchange_end(code);
}

/* Aligned for RISC-V's trap vector. */
__attribute__((aligned(4))) void fault(void)
{
    exchange_end(FAULT);
}

/* Instructions are counted from one call to the next. */
__attribute__((noinline, noclone)) void mark(void)
{
    __asm__ volatile("" ::: "memory"); /* keeps the compiler from moving or removing calls */
}

/* One step, counted; returns the number of outputs. */
static size_t single_step(const API(_in) *in, API(_out) *out)
{
    API(_status) status;

    mark();
    status = API(_step)(&state, in, out);
    mark();
    return status == SIZE(_OUTPUT) ? 1 : 0;
}

/* Run steps; if `last` and the caller decides, the last step has an output. */
static size_t play(size_t n_steps, uint32_t flags, int last)
{
    size_t n_outputs = 0;

    if ((flags & SINGLE_STEPS) == 0) {
        return API(_run)(&state, u, n_steps, OUTPUT_EVERY == 0 && !last ? NULL : y);
    }
    for (size_t t = 0; t < n_steps; t++) {
        const int always = OUTPUT_EVERY > 0 && (flags & LAST_ONLY) == 0;
        const int asked = always || (last && t + 1 == n_steps);
        const size_t expected = asked && API(_ready)(&state) ? 1 : 0;
        const size_t n = single_step(&u[t * SIZE(_N_IN)],
            asked ? &y[n_outputs * SIZE(_N_OUT)] : NULL);

        if ((flags & CHECK_READY) != 0 && n != expected) {
            program_done(NOT_READY);
        }
        n_outputs += n;
    }
    return n_outputs;
}

int main(void)
{
    exchange_open(NO_FILES);
    for (;;) {
        uint32_t head[2];
        size_t n;

        exchange_read(head, sizeof head, CUT_SHORT);
        if (head[0] == 0) {
            return 0;
        }
        if (head[1] & FROM_RESET) {
            API(_init)(&state);
        }
        if (head[1] & LOADED) {
            exchange_read(saved, sizeof saved, CUT_SHORT);
            if (API(_load)(&state, saved, sizeof saved) != SIZE(_OK)) {
                return NOT_LOADED;
            }
        }
        for (uint32_t left = head[0]; left > 0; left -= n) {
            size_t n_outputs;

            n = left < CHUNK_STEPS ? (size_t)left : CHUNK_STEPS;
            exchange_read(u, n * SIZE(_N_IN) * sizeof u[0], CUT_SHORT);
            n_outputs = play(n, head[1], left == n);
            exchange_write(y, n_outputs * SIZE(_N_OUT) * sizeof y[0], NOT_WRITTEN);
        }
        if (API(_save)(&state, saved, sizeof saved) != SIZE(_OK)) {
            return NOT_SAVED;
        }
        exchange_write(saved, sizeof saved, NOT_WRITTEN);
        /* continue from the saved state */
        API(_reset)(&state);
        if (API(_load)(&state, saved, sizeof saved) != SIZE(_OK)) {
            return NOT_LOADED;
        }
    }
}
