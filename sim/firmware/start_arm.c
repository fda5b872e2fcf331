/* Start-up code of a Cortex-M: vector table, and initialization of memory for C. */
#include "semihost.h"

extern const uint32_t data_load[];
extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];

int main(void);
void program_done(int code);
void reset(void);
void fault(void);

/* Vector table: initial stack pointer, reset, NMI and HardFault. */
__attribute__((section(".vectors"), used)) static const uintptr_t vectors[] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
};

/* Arguments and result are in the registers of the semihosting convention. */
__attribute__((naked)) uintptr_t semihost(uintptr_t operation, const void *arguments)
{
    __asm__("bkpt 0xab\n bx lr");
}

/* Configuration and control register; bit 3 traps unaligned accesses. Firmware that sets it must be
   compiled with -mno-unaligned-access. */
#define CCR (*(volatile uint32_t *)0xE000ED14u)
#define UNALIGN_TRP (1u << 3)

/* Coprocessor access; CP10 and CP11 are floating point and vectors. */
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

void reset(void)
{
    const uint32_t *from = data_load;

#ifdef __ARM_FP
    CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\n isb" ::: "memory");
#endif
#ifdef TRAP_UNALIGNED
    CCR |= UNALIGN_TRP;
#endif
    for (uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    program_done(main());
}
