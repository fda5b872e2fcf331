/* A computer as a board: without interrupts, so that board_wait does what a tick would do. */
#include "board.h"

#include <stdio.h>

static void (*on_tick)(void);

void board_start_ticks(void (*tick)(void), uint32_t cycles)
{
    (void)cycles;
    on_tick = tick;
}

void board_wait(void)
{
    on_tick();
}

void board_barrier(void)
{
}

void board_print(const char *text, size_t n)
{
    (void)fwrite(text, 1, n, stdout);
}
