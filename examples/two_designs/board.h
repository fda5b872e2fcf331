/* What the examples need of a board: a periodic interrupt and a console. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Call `tick` from an interrupt, every so many cycles of the core. On a host, board_wait calls it
   instead. */
void board_start_ticks(void (*tick)(void), uint32_t cycles);

/* Sleep until an interrupt has been served. */
void board_wait(void);

/* What an interrupt or a DMA controller wrote before this call is read after it. */
void board_barrier(void);

/* Write n characters to the console. */
void board_print(const char *text, size_t n);

#ifdef __cplusplus
}
#endif

#endif
