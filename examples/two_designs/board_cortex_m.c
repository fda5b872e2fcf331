/* A Cortex-M as a board: SysTick for the interrupt, semihosting for the console. */
#include "board.h"
#include "semihost.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u) /* control: enable, interrupt, core's clock */
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u) /* cycles from tick to tick, less one */
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)

enum { NO_CONSOLE = 10, NOT_WRITTEN = 12, FAULT = 14 }; /* exit codes */

static void (*on_tick)(void);

void program_done(int code);
void fault(void);

/* What the start-up code calls when main returns, and when the core faults. */
void program_done(int code)
{
    semihost_exit(code);
}

void fault(void)
{
    semihost_exit(FAULT);
}

static void systick(void)
{
    on_tick();
}

/* Exceptions 4 to 15. The linker script puts them after the first four, which are in start_arm.c,
   because that file comes first on the linker's command line. */
__attribute__((section(".vectors"), used)) static const uintptr_t more_vectors[12] = {
    (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)fault, (uintptr_t)systick,
};

void board_start_ticks(void (*tick)(void), uint32_t cycles)
{
    on_tick = tick;
    SYST_RVR = cycles - 1u;
    SYST_CVR = 0;
    SYST_CSR = 7u;
}

void board_wait(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

void board_barrier(void)
{
    __asm__ volatile("dmb" ::: "memory");
}

void board_print(const char *text, size_t n)
{
    semihost_write(semihost_open(":tt", 3, SEMIHOST_WB, NO_CONSOLE), text, n, NOT_WRITTEN);
}
