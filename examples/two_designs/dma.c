/*
 * Double buffering: a DMA controller fills one half of a buffer while the main loop runs the memory
 * `history` on the other half.
 *
 * A timer interrupt plays the part of the controller: a tick moves a sample of the ADC. As with a
 * real controller, nothing waits for the main loop: one that is late finds its half overwritten.
 * Once it is made late on purpose, to show that this is detected.
 */
#include "bench.h"
#include "history.h"

#define HALF 32      /* samples of half the buffer: a block */
#define N_BLOCKS 24
#define LATE_AT 8    /* the block that the main loop is late for */
#define TICK 20000   /* cycles from sample to sample: more than a step takes without optimization */

/* The ADC is signed, 16 bits, left-aligned: its samples are words of the input as they are. */
#if HISTORY_U_BITS != 16 || HISTORY_N_IN != 1
#error "the buffer holds words of 16 bits, one a step"
#endif

/* Written by the controller alone. */
static history_in buffer[2][HALF];
static volatile uint32_t n_filled; /* blocks; each one raises the "half complete" interrupt */

/* A tick: the controller moves a sample. */
static void move_sample(void)
{
    static uint32_t noise = SENSOR_SEED;
    static size_t at;

    buffer[n_filled & 1u][at++] = (history_in)(int32_t)(next_noise(&noise) >> 16 & 0xFFFFu);
    if (at == HALF) {
        at = 0;
        n_filled = n_filled + 1;
    }
}

static void wait_for(uint32_t n_blocks)
{
    while (n_filled < n_blocks) {
        board_wait();
    }
    board_barrier();
}

int main(void)
{
    static history_state history;
    static history_out delayed[HALF * HISTORY_N_OUT];
    uint32_t taken = 0, overruns = 0, hash = HASH_SEED;
    int has_been_late = 0;

    history_init(&history);
    board_start_ticks(move_sample, TICK);
    while (taken < N_BLOCKS) {
        wait_for(taken + 1);
        if (taken == LATE_AT && !has_been_late) {
            has_been_late = 1;
            wait_for(taken + 2); /* stands for work that takes longer than a block */
        }
        size_t n = history_run(&history, buffer[taken & 1u], HALF, delayed);
        board_barrier();
        /* As soon as block taken + 1 is full, the controller writes into this half again. */
        if (n_filled > taken + 1) {
            overruns++;
            history_reset(&history); /* samples are lost: a new sequence, with the next block */
            taken = n_filled;
            print_number("overrun, goes on at", taken);
            continue;
        }
        for (size_t i = 0; i < n * HISTORY_N_OUT; i++) {
            hash = hash_word(hash, delayed[i]);
        }
        taken++;
    }
    print_number("overruns", overruns);
    print_number("words", hash);
    return 0;
}
